import { createHash } from 'node:crypto'
import { Failure } from '@berth/schema'
import type { Clock } from '../../clock.ts'
import type { GithubSignIn } from '../../settings/sign-in-settings.ts'
import { PROVIDER_TIMEOUT_MS, type ExternalIdentity, type ExternalTokens, type ProviderAnswer, type SignInProvider } from './provider.ts'

const SCOPES = 'read:user read:org user:email'
/** More pages than anyone has organizations or addresses. */
const MAX_PAGES = 20
const PAGE_SIZE = 100

type Json = Readonly<Record<string, unknown>>

/** Signs users in with github.com or a GitHub Enterprise server. */
export class GithubProvider implements SignInProvider {
  readonly loginType = 'github'
  readonly allowSignups: boolean
  readonly #settings: GithubSignIn
  readonly #callbackUrl: string
  readonly #clock: Clock
  readonly #siteUrl: string
  readonly #apiUrl: string

  constructor(options: { readonly settings: GithubSignIn; readonly callbackUrl: string; readonly clock: Clock }) {
    const { settings, callbackUrl, clock } = options
    const base = settings.enterpriseBaseUrl?.replace(/\/+$/, '')
    this.#settings = settings
    this.#callbackUrl = callbackUrl
    this.#clock = clock
    this.#siteUrl = base ?? 'https://github.com'
    this.#apiUrl = base === undefined ? 'https://api.github.com' : `${base}/api/v3`
    this.allowSignups = settings.allowSignups
  }

  async authorizationUrl({ state, verifier }: { readonly state: string; readonly verifier: string }): Promise<URL> {
    const url = new URL(`${this.#siteUrl}/login/oauth/authorize`)
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.#settings.clientId,
      redirect_uri: this.#callbackUrl,
      scope: SCOPES,
      state,
      access_type: 'offline',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString()
    return url
  }

  async identify({ code, verifier }: ProviderAnswer): Promise<ExternalIdentity> {
    const tokens = await this.#requestTokens({
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.#callbackUrl,
      // A sign-in that started with a challenge must present its verifier.
      ...(verifier !== undefined && { code_verifier: verifier }),
    })
    const { accessToken } = tokens
    const organizations = await this.#allowedOrganizations(accessToken)
    const user = await this.#get(accessToken, '/user')
    const { id, login, avatar_url } = user
    if (typeof id !== 'number' || typeof login !== 'string') throw unexpected('the answer to /user lacks id or login')
    await this.#requireTeam(accessToken, organizations, login)
    const email = await this.#verifiedEmail(accessToken)
    return { linkedId: String(id), username: login, email, avatarUrl: typeof avatar_url === 'string' ? avatar_url : '', tokens }
  }

  async refresh(refreshToken: string): Promise<ExternalTokens> {
    return await this.#requestTokens({ grant_type: 'refresh_token', refresh_token: refreshToken })
  }

  /**
   * Returns the user's organizations that may sign in; undefined when any may. Pending invitations
   * don't count.
   */
  async #allowedOrganizations(accessToken: string): Promise<readonly string[] | undefined> {
    const { allowedOrganizations } = this.#settings
    if (allowedOrganizations === undefined) return undefined
    const memberships = await this.#list(accessToken, '/user/memberships/orgs?state=active')
    const logins = memberships
      .filter(({ state }) => state === 'active')
      .map(({ organization }) => (organization as { login?: unknown } | undefined)?.login)
      .filter((login) => typeof login === 'string')
      .filter((login) => allowedOrganizations.includes(login))
    if (logins.length === 0)
      throw new Failure('external_sign_in_refused', { message: "You aren't a member of the authorized Github organizations!" })
    return logins
  }

  async #requireTeam(accessToken: string, organizations: readonly string[] | undefined, login: string): Promise<void> {
    const { allowedTeams } = this.#settings
    if (organizations === undefined || allowedTeams.length === 0) return
    for (const name of allowedTeams) {
      const [organization = '', team = ''] = name.split('/')
      if (!organizations.includes(organization)) continue
      const path = `/orgs/${encodeURIComponent(organization)}/teams/${encodeURIComponent(team)}/memberships/${encodeURIComponent(login)}`
      const response = await this.#fetch(accessToken, path)
      await response.body?.cancel()
      if (response.ok) return
    }
    throw new Failure('external_sign_in_refused', { message: "You aren't a member of an authorized team in the Github organizations!" })
  }

  async #verifiedEmail(accessToken: string): Promise<string> {
    const emails = await this.#list(accessToken, '/user/emails')
    const found = emails.find(({ primary, verified }) => primary === true && verified === true)
    if (typeof found?.['email'] !== 'string')
      throw new Failure('external_sign_in_unverified', { message: 'Your primary email must be verified on GitHub!' })
    return found['email']
  }

  async #requestTokens(parameters: Readonly<Record<string, string>>): Promise<ExternalTokens> {
    const { clientId, clientSecret } = this.#settings
    const response = await reach(`${this.#siteUrl}/login/oauth/access_token`, {
      method: 'POST',
      headers: { Accept: 'application/json' },
      body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...parameters }),
    })
    const answer = await readJson(response)
    const { access_token, refresh_token, expires_in } = isObject(answer) ? answer : {}
    // GitHub also answers a wrong code with 200.
    if (!response.ok || typeof access_token !== 'string' || access_token === '')
      throw new Failure('external_sign_in_failed', { message: 'Failed exchanging Oauth code.', detail: reasonOf(answer) })
    return {
      accessToken: access_token,
      refreshToken: typeof refresh_token === 'string' ? refresh_token : '',
      expiresAt: Number(expires_in) > 0 ? new Date(this.#clock.now().getTime() + Number(expires_in) * 1000) : undefined,
    }
  }

  async #get(accessToken: string, path: string): Promise<Json> {
    const answer = await this.#read(accessToken, path)
    if (!isObject(answer)) throw unexpected(`the answer to ${path} isn't an object`)
    return answer
  }

  async #list(accessToken: string, path: string): Promise<Json[]> {
    const all: Json[] = []
    for (let page = 1; page <= MAX_PAGES; page++) {
      const answer = await this.#read(accessToken, `${path}${path.includes('?') ? '&' : '?'}per_page=${PAGE_SIZE}&page=${page}`)
      if (!Array.isArray(answer)) throw unexpected(`the answer to ${path} isn't a list`)
      all.push(...answer.filter(isObject))
      if (answer.length < PAGE_SIZE) break
    }
    return all
  }

  async #read(accessToken: string, path: string): Promise<unknown> {
    const response = await this.#fetch(accessToken, path)
    const answer = await readJson(response)
    if (!response.ok) throw unexpected(`the answer to ${path} has status ${response.status}`)
    return answer
  }

  async #fetch(accessToken: string, path: string): Promise<Response> {
    const headers = { Accept: 'application/vnd.github+json', Authorization: `Bearer ${accessToken}`, 'User-Agent': 'berth' }
    return await reach(`${this.#apiUrl}${path}`, { headers })
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS) })
  } catch (error) {
    throw new Failure('external_sign_in_failed', { message: "Can't reach GitHub.", cause: error })
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (error) {
    throw new Failure('external_sign_in_failed', { message: "GitHub's answer isn't JSON.", cause: error })
  }
}

function unexpected(reason: string): Failure {
  return new Failure('external_sign_in_failed', { message: 'GitHub sent an unexpected answer.', detail: reason })
}

/** Returns the error that GitHub reports, and nothing else of its answer. */
function reasonOf(answer: unknown): string {
  const { error, error_description } = isObject(answer) ? answer : {}
  return [error, error_description].filter((word) => typeof word === 'string').join(': ')
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
