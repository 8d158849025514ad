/** What the agent needs to know to reach its server. */
export interface AgentConfig {
  /** Where the server is, without a trailing slash. */
  serverUrl: string
  /** Secret: never logged, never given to a process of the user. */
  token: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Names under which the token may arrive; none of them reaches a process of the user. */
export const tokenNames = ['BERTH_AGENT_TOKEN', 'CODER_AGENT_TOKEN'] as const

/** Reads the settings, or says in one line what is wrong with them. */
export function readConfig(environment: Environment): AgentConfig | { problem: string } {
  const token = environment['BERTH_AGENT_TOKEN'] || environment['CODER_AGENT_TOKEN'] || ''
  if (token === '') return { problem: 'BERTH_AGENT_TOKEN is not set. It is the token the server gave this agent.' }
  if (!/^[\x21-\x7e]+$/.test(token)) return { problem: 'BERTH_AGENT_TOKEN contains characters that a token cannot have.' }
  const text = environment['BERTH_AGENT_URL'] || environment['CODER_AGENT_URL'] || ''
  if (text === '') return { problem: 'BERTH_AGENT_URL is not set. It is the address of the server, such as https://berth.example.com.' }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { problem: `BERTH_AGENT_URL "${text}" is not a web address. It should look like https://berth.example.com.` }
  }
  return { token, serverUrl: `${url.origin}${url.pathname.replace(/\/+$/, '')}` }
}
