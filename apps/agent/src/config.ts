import { instanceAuths, type InstanceAuth } from '@berth/schema/rules'

/** What the agent needs in order to reach its server. */
export interface AgentConfig {
  /** The server's address, without a trailing slash. */
  serverUrl: string
  /** A secret: never logged, and never passed to the user's processes. */
  token: string
}

/** How an agent signs in with the identity of its machine. */
export interface InstanceSignIn {
  readonly auth: InstanceAuth
  readonly serverUrl: string
  /** Without a trailing slash. */
  readonly metadataUrl: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** The variables that may hold the token. None of them is passed to the user's processes. */
export const tokenNames = ['BERTH_AGENT_TOKEN', 'CODER_AGENT_TOKEN'] as const

/** Where machines of each of these clouds find their metadata service. */
const standardMetadataUrl = 'http://169.254.169.254'

/**
 * The agent's settings: with a token, or with the way its machine proves its identity to get one.
 */
export type AgentSettings = AgentConfig | InstanceSignIn

/** Reads the settings. Returns a one-line problem when they are invalid. */
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
    return { problem: `BERTH_AGENT_AUTH ${JSON.stringify(auth)} is not valid. Use one of token, ${instanceAuths.join(', ')}.` }
  if (typeof serverUrl !== 'string') return serverUrl
  const metadataUrl = (environment['BERTH_INSTANCE_METADATA_URL'] || standardMetadataUrl).replace(/\/+$/, '')
  return { auth: instanceAuth, serverUrl, metadataUrl }
}

function readToken(environment: Environment): string | { problem: string } {
  const token = environment['BERTH_AGENT_TOKEN'] || environment['CODER_AGENT_TOKEN'] || ''
  if (token === '') return { problem: 'BERTH_AGENT_TOKEN is not set. Set it to the token that the server gave this agent.' }
  if (!/^[\x21-\x7e]+$/.test(token))
    return { problem: 'BERTH_AGENT_TOKEN contains characters that are not allowed in a token: use printable ASCII without spaces.' }
  return token
}

function readServerUrl(environment: Environment): string | { problem: string } {
  const text = environment['BERTH_AGENT_URL'] || environment['CODER_AGENT_URL'] || ''
  if (text === '') return { problem: 'BERTH_AGENT_URL is not set. Set it to the address of the server, such as https://berth.example.com.' }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { problem: `BERTH_AGENT_URL "${text}" is not a web address. Write it like https://berth.example.com.` }
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
