/** Clouds whose machines can prove which they are, by the words in settings and in the paths of their endpoints (Coder v2 API, v0.13.4). */
export const instanceAuths = ['google-instance-identity', 'aws-instance-identity', 'azure-instance-identity'] as const
export type InstanceAuth = (typeof instanceAuths)[number]

/** How an agent proves which it is. `token`: it was handed one. */
export type AgentAuth = 'token' | InstanceAuth
