import { instanceAuths } from '@berth/schema/rules'
import { standardMetadataUrl, type InstanceSignIn } from './instance-identity.ts'

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

/** How the agent gets its token: it has been given it, or the machine proves to the server which one it is. */
export type AgentSettings = AgentConfig | InstanceSignIn

/** Reads the settings, or says in one line what is wrong with them. */
export function readConfig(environment: Environment): AgentSettings | { problem: string } {
  const auth = environment['BERTH_AGENT_AUTH'] || environment['CODER_AGENT_AUTH'] || 'token'
  const serverUrl = readServerUrl(environment)
  if (auth === 'token') {
    const token = readToken(environment)
    if (typeof token !== 'string') return token
    return typeof serverUrl === 'string' ? { token, serverUrl } : serverUrl
  }
  const instanceAuth = instanceAuths.find((known) => known === auth)
  if (instanceAuth === undefined)
    return { problem: `BERTH_AGENT_AUTH ${JSON.stringify(auth)} is none of token, ${instanceAuths.join(', ')}.` }
  if (typeof serverUrl !== 'string') return serverUrl
  const metadataUrl = (environment['BERTH_INSTANCE_METADATA_URL'] || standardMetadataUrl).replace(/\/+$/, '')
  return { auth: instanceAuth, serverUrl, metadataUrl }
}

function readToken(environment: Environment): string | { problem: string } {
  const token = environment['BERTH_AGENT_TOKEN'] || environment['CODER_AGENT_TOKEN'] || ''
  if (token === '') return { problem: 'BERTH_AGENT_TOKEN is not set. It is the token the server gave this agent.' }
  if (!/^[\x21-\x7e]+$/.test(token)) return { problem: 'BERTH_AGENT_TOKEN contains characters that a token cannot have.' }
  return token
}

function readServerUrl(environment: Environment): string | { problem: string } {
  const text = environment['BERTH_AGENT_URL'] || environment['CODER_AGENT_URL'] || ''
  if (text === '') return { problem: 'BERTH_AGENT_URL is not set. It is the address of the server, such as https://berth.example.com.' }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { problem: `BERTH_AGENT_URL "${text}" is not a web address. It should look like https://berth.example.com.` }
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
