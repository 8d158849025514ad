import type { InstanceAuth } from '@berth/schema/rules'
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { reasonOf, type Logger } from './logger.ts'
import { postJson } from './server-client.ts'

/** Where a machine of each of these clouds asks about itself. */
export const standardMetadataUrl = 'http://169.254.169.254'

const timeoutMs = 15_000
const firstPauseMs = 1_000
const longestPauseMs = 30_000
const tokenSeconds = 21_600

export interface InstanceSignIn {
  readonly auth: InstanceAuth
  readonly serverUrl: string
  /** Without a trailing slash. */
  readonly metadataUrl: string
}

/**
 * Gets the token of the agent from its server for the proof that this machine's cloud gives. Tried until it succeeds: at the start of a machine
 * neither its network nor its build may be ready.
 */
export async function signInByInstance(options: InstanceSignIn, logger: Logger): Promise<string> {
  for (let failures = 1; ; failures++) {
    try {
      return await signInOnce(options)
    } catch (error) {
      logger.warn('The machine could not sign in, trying again', { auth: options.auth, reason: reasonOf(error) })
      // Each try is a proof that the server has to verify: soon at the start, seldom from a machine that it does not know.
      await delay(Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2))
    }
  }
}

async function signInOnce({ auth, serverUrl, metadataUrl }: InstanceSignIn): Promise<string> {
  const proof = await proofs[auth](metadataUrl)
  const answer = await postJson(`${serverUrl}/api/v2/workspaceagents/${auth}`, proof)
  const token = typeof answer === 'object' && answer !== null && 'session_token' in answer ? answer.session_token : undefined
  if (typeof token !== 'string' || token === '') throw new Error('The server answered without a token.')
  return token
}

/** What each cloud's machine says of itself, as the server wants it. */
const proofs: Readonly<Record<InstanceAuth, (metadataUrl: string) => Promise<Record<string, unknown>>>> = {
  'google-instance-identity': async (url) => ({
    json_web_token: await ask(`${url}/computeMetadata/v1/instance/service-accounts/default/identity?audience=coder&format=full`, {
      headers: { 'Metadata-Flavor': 'Google' },
    }),
  }),
  'aws-instance-identity': async (url) => {
    const token = await ask(`${url}/latest/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(tokenSeconds) },
    })
    const identity = async (part: string): Promise<string> =>
      await ask(`${url}/latest/dynamic/instance-identity/${part}`, { headers: { 'X-aws-ec2-metadata-token': token } })
    const [document, signature] = await Promise.all([identity('document'), identity('signature')])
    return { document, signature }
  },
  'azure-instance-identity': async (url) => {
    const nonce = String(randomInt(1_000_000_000, 9_999_999_999)) // ten digits, no more and no less
    const answer = await ask(`${url}/metadata/attested/document?api-version=2020-09-01&nonce=${nonce}`, { headers: { Metadata: 'true' } })
    const { signature, encoding } = JSON.parse(answer) as Record<string, unknown>
    return { signature, encoding }
  },
}

async function ask(url: string, options: RequestInit): Promise<string> {
  const response = await fetch(url, { ...options, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
  const text = await response.text()
  if (!response.ok) throw new Error(`The metadata service of this machine answered ${response.status} to ${new URL(url).pathname}`)
  return text.trim()
}
