import { Failure } from '@berth/schema'
import type { GitAuthProvider } from '../../settings/git-auth-settings.ts'

/** The tokens that a git host issues for a code or a refresh token. */
export interface OAuthToken {
  readonly accessToken: string
  /** Empty when there is none. */
  readonly refreshToken: string
  /** Undefined when the token doesn't expire. */
  readonly expiresAt: Date | undefined
}

/** A git host refused a request. The message quotes its answer. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
}

interface Dependencies {
  readonly fetch: typeof fetch
  readonly now: () => Date
}

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 64 * 1024
const QUOTED_CHARACTERS = 500
const AZURE = {
  assertionType: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  grant: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
}

/** Speaks OAuth 2 (RFC 6749) with git hosts. */
export class OAuthClient {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Returns where to send the browser to sign in. */
  signInUrl(provider: GitAuthProvider, { state, redirectUrl }: { readonly state: string; readonly redirectUrl: string }): string {
    const url = new URL(provider.authUrl)
    const parameters = {
      access_type: 'offline',
      client_id: provider.clientId,
      redirect_uri: redirectUrl,
      response_type: provider.type === 'azure-devops' ? 'Assertion' : 'code',
      scope: provider.scopes.join(' '),
      state,
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return url.href
  }

  /** Throws {@link OAuthError}. */
  async exchange(
    provider: GitAuthProvider,
    { code, redirectUrl }: { readonly code: string; readonly redirectUrl: string },
  ): Promise<OAuthToken> {
    const grant =
      provider.type === 'azure-devops' ? { grant_type: AZURE.grant, assertion: code } : { grant_type: 'authorization_code', code }
    return await this.#requestToken(provider, { ...grant, redirect_uri: redirectUrl })
  }

  /** Keeps the refresh token when the answer has none. Throws {@link OAuthError}. */
  async refresh(
    provider: GitAuthProvider,
    { refreshToken, redirectUrl }: { readonly refreshToken: string; readonly redirectUrl: string },
  ): Promise<OAuthToken> {
    if (refreshToken === '') throw new OAuthError('there is no refresh token')
    const token =
      provider.type === 'azure-devops' ? { assertion: refreshToken, redirect_uri: redirectUrl } : { refresh_token: refreshToken }
    const renewed = await this.#requestToken(provider, { grant_type: 'refresh_token', ...token })
    return renewed.refreshToken === '' ? { ...renewed, refreshToken } : renewed
  }

  /** Whether the git host still accepts a token. Throws `git_auth_failed` when it doesn't say. */
  async isValid(provider: GitAuthProvider, accessToken: string): Promise<boolean> {
    if (provider.validateUrl === undefined) return true
    const { status, body } = await this.#send(provider.validateUrl, { headers: { Authorization: `Bearer ${accessToken}` } }).catch(
      (error: unknown) => {
        throw new Failure('git_auth_failed', { detail: `git token validation failed: ${reasonOf(error)}`, cause: error })
      },
    )
    if (status === 401) return false
    if (status !== 200) throw new Failure('git_auth_failed', { detail: `git token validation failed: status ${status}: body: ${body}` })
    return true
  }

  async #requestToken(provider: GitAuthProvider, parameters: Readonly<Record<string, string>>): Promise<OAuthToken> {
    const { clientId, clientSecret, type, tokenUrl } = provider
    const headers: Record<string, string> = { Accept: 'application/json' }
    const form = new URLSearchParams(parameters)
    if (type === 'azure-devops') {
      form.set('client_assertion_type', AZURE.assertionType)
      form.set('client_assertion', clientSecret)
    } else if (type === 'bitbucket') {
      const credentials = [clientId, clientSecret].map((part) => encodeURIComponent(part)).join(':')
      headers['Authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`
    } else {
      form.set('client_id', clientId)
      form.set('client_secret', clientSecret)
    }
    const { status, body, contentType } = await this.#send(tokenUrl, { method: 'POST', headers, body: form }).catch((error: unknown) => {
      throw new OAuthError(reasonOf(error), { cause: error })
    })
    const answer = readAnswer(body, contentType)
    const { access_token: accessToken = '' } = answer
    if (status >= 400 || accessToken === '')
      throw new OAuthError(`status ${status}: ${refusalOf(answer) ?? body.slice(0, QUOTED_CHARACTERS)}`)
    const seconds = Number(answer['expires_in'] ?? 0)
    return {
      accessToken,
      refreshToken: answer['refresh_token'] ?? '',
      expiresAt: seconds > 0 && Number.isSafeInteger(seconds) ? new Date(this.#dependencies.now().getTime() + seconds * 1000) : undefined,
    }
  }

  async #send(url: string, request: RequestInit): Promise<{ status: number; body: string; contentType: string }> {
    const response = await this.#dependencies.fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    return {
      status: response.status,
      body: await readAtMost(response, MAX_ANSWER_BYTES),
      contentType: response.headers.get('content-type') ?? '',
    }
  }
}

async function readAtMost(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Parses an answer in JSON or, as some hosts send it, as a form. Numbers become text, other values
 * are dropped.
 */
function readAnswer(body: string, contentType: string): Readonly<Record<string, string>> {
  if (/^(?:application\/x-www-form-urlencoded|text\/plain)/.test(contentType)) return Object.fromEntries(new URLSearchParams(body))
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value !== 'object' || value === null) return {}
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, field]) =>
        typeof field === 'string' || typeof field === 'number' ? [[name, String(field)] as const] : [],
      ),
    )
  } catch {
    return {}
  }
}

function refusalOf(answer: Readonly<Record<string, string>>): string | undefined {
  const { error, error_description: description } = answer
  if (error === undefined) return undefined
  return (description === undefined ? error : `${error}: ${description}`).slice(0, QUOTED_CHARACTERS)
}

/** Returns the message of an error, or of its cause, where network errors keep the reason. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
