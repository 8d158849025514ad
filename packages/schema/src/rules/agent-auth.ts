/**
 * Clouds whose machines can prove their identity, by the words used in settings and endpoint paths
 * (Coder v2 API, v0.13.4).
 */
export const instanceAuths = ['google-instance-identity', 'aws-instance-identity', 'azure-instance-identity'] as const
export type InstanceAuth = (typeof instanceAuths)[number]

/**
 * How an agent authenticates: with the token it was started with, or with its machine's identity.
 */
export type AgentAuth = 'token' | InstanceAuth
