import type { AWSInstanceIdentityToken, AzureInstanceIdentityToken, GoogleInstanceIdentityToken } from '@berth/schema'
import { routes } from '@berth/schema/routes'
import type { InstanceAuth } from '@berth/schema/rules'
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { signInPauseMs } from './back-off.ts'
import type { InstanceSignIn } from './config.ts'
import { reasonOf, type Logger } from './logger.ts'
import { request, type AgentRoute } from './server-client.ts'

const timeoutMs = 15_000
/** Lifetime of the AWS metadata service's own token, in seconds: its longest. */
const metadataTokenTtlSeconds = 21_600

/**
 * Gets the agent's token from the server in exchange for its cloud's proof of the machine's
 * identity. It keeps trying: when a machine starts, neither its network nor its build may be ready.
 */
export async function signInByInstance(options: InstanceSignIn, logger: Logger): Promise<string> {
  for (let failures = 1; ; failures++) {
    try {
      return await signInOnce(options)
    } catch (error) {
      logger.warn('The machine could not sign in, trying again', { auth: options.auth, reason: reasonOf(error) })
      await delay(signInPauseMs(failures, Math.random))
    }
  }
}

async function signInOnce({ auth, serverUrl, metadataUrl }: InstanceSignIn): Promise<string> {
  const { route, prove } = clouds[auth]
  const answer = await request(serverUrl, route, { body: await prove(metadataUrl) })
  const token = typeof answer === 'object' && answer !== null && 'session_token' in answer ? answer.session_token : undefined
  if (typeof token !== 'string' || token === '') throw new Error('The server answered without a token.')
  return token
}

interface Cloud {
  readonly route: AgentRoute
  /** Asks the machine's metadata service for its proof of identity. */
  readonly prove: (metadataUrl: string) => Promise<unknown>
}

const clouds: Readonly<Record<InstanceAuth, Cloud>> = {
  'google-instance-identity': { route: routes.instanceIdentity.google, prove: proveGoogle },
  'aws-instance-identity': { route: routes.instanceIdentity.aws, prove: proveAws },
  'azure-instance-identity': { route: routes.instanceIdentity.azure, prove: proveAzure },
}

async function proveGoogle(url: string): Promise<GoogleInstanceIdentityToken> {
  const path = 'computeMetadata/v1/instance/service-accounts/default/identity?audience=coder&format=full'
  return { json_web_token: await ask(`${url}/${path}`, { headers: { 'Metadata-Flavor': 'Google' } }) }
}

async function proveAws(url: string): Promise<AWSInstanceIdentityToken> {
  const token = await ask(`${url}/latest/api/token`, {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(metadataTokenTtlSeconds) },
  })
  const identity = async (part: string): Promise<string> =>
    await ask(`${url}/latest/dynamic/instance-identity/${part}`, { headers: { 'X-aws-ec2-metadata-token': token } })
  const [document, signature] = await Promise.all([identity('document'), identity('signature')])
  return { document, signature }
}

async function proveAzure(url: string): Promise<AzureInstanceIdentityToken> {
  // Azure wants exactly ten digits.
  const nonce = String(randomInt(1_000_000_000, 9_999_999_999))
  const answer = await ask(`${url}/metadata/attested/document?api-version=2020-09-01&nonce=${nonce}`, { headers: { Metadata: 'true' } })
  // Passed on as it is: the server checks it.
  const { signature, encoding } = JSON.parse(answer) as AzureInstanceIdentityToken
  return { signature, encoding }
}

async function ask(url: string, options: RequestInit): Promise<string> {
  const response = await fetch(url, { ...options, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
  const text = await response.text()
  if (!response.ok) throw new Error(`The metadata service of this machine answered ${response.status} to ${new URL(url).pathname}`)
  return text.trim()
}
