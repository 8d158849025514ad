import { Failure, type WorkspaceAgentGitAuthResponse } from '@berth/schema'
import { GIT_AUTH_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import { Bell, type WakeUps } from '../../database/wake-ups.ts'
import type { GitAuthProvider } from '../../settings/git-auth-settings.ts'
import { OAuthError, type OAuthClient, type OAuthToken } from './oauth-client.ts'
import type { GitAuthStore, LinkKey } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: GitAuthStore
  readonly providers: readonly GitAuthProvider[]
  readonly oauth: OAuthClient
  /** Keyed by user ID. */
  readonly wakeUps: WakeUps
  readonly clock: Clock
  readonly accessUrl: string
}

/** How often a waiting request looks, even when nothing wakes it (Coder v2 API, v0.13.4). */
const LISTEN_INTERVAL_MS = 1_000
/** Repository URLs are shorter. Administrators' patterns aren't tried on longer texts. */
const MAX_URL_CHARACTERS = 2_048

/** Signs users in at git hosts, once for all of their workspaces. */
export class GitAuthService {
  readonly #dependencies: Dependencies
  readonly #closing = new AbortController()
  readonly #renewals = new Map<string, Promise<OAuthToken | undefined>>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  findProvider(id: string): GitAuthProvider | undefined {
    return this.#dependencies.providers.find((provider) => provider.id === id)
  }

  /**
   * Returns the last provider whose pattern matches a repository URL. Throws
   * `invalid_agent_request` and `git_auth_provider_missing`.
   */
  getProviderFor(url: string): GitAuthProvider {
    if (url === '') throw new Failure('invalid_agent_request', { message: `Missing "url" query parameter!` })
    const provider = url.length > MAX_URL_CHARACTERS ? undefined : this.#dependencies.providers.findLast(({ regex }) => regex.test(url))
    if (provider === undefined)
      throw new Failure('git_auth_provider_missing', {
        message: `No git provider found for URL ${JSON.stringify(url.slice(0, MAX_URL_CHARACTERS))}`,
      })
    return provider
  }

  /** Returns a valid token, renewed if needed, or where to sign in. Throws `git_auth_failed`. */
  async get(provider: GitAuthProvider, userId: string): Promise<WorkspaceAgentGitAuthResponse> {
    const link = { providerId: provider.id, userId }
    const stored = await this.#dependencies.store.find(link)
    const token = stored && (this.#hasExpired(stored) ? await this.#renew(provider, link) : stored)
    if (token === undefined || !(await this.#dependencies.oauth.isValid(provider, token.accessToken))) return this.#signIn(provider)
    return credentials(provider, token)
  }

  /**
   * Like {@link get}, but waits until there is a token. Returns undefined when the signal aborts,
   * and where to sign in when the server stops. Throws the failure that the signal aborts with.
   */
  async waitFor(provider: GitAuthProvider, userId: string, signal: AbortSignal): Promise<WorkspaceAgentGitAuthResponse | undefined> {
    const bell = new Bell()
    const stopListening = this.#dependencies.wakeUps.on(userId, () => bell.ring())
    const ended = AbortSignal.any([signal, this.#closing.signal])
    try {
      while (!ended.aborted) {
        const token = await this.#dependencies.store.find({ providerId: provider.id, userId })
        const holds =
          token !== undefined && !this.#hasExpired(token) && (await this.#dependencies.oauth.isValid(provider, token.accessToken))
        if (holds) return credentials(provider, token)
        await bell.next({ timeoutMs: LISTEN_INTERVAL_MS, signal: ended })
      }
      if (Failure.is(signal.reason)) throw signal.reason
      return signal.aborted ? undefined : this.#signIn(provider)
    } finally {
      stopListening()
    }
  }

  /** Returns where to send a browser to sign in. */
  signInUrl(provider: GitAuthProvider, state: string): string {
    return this.#dependencies.oauth.signInUrl(provider, { state, redirectUrl: this.#callbackUrl(provider) })
  }

  /** Exchanges the code from a git host for a token and stores it. Throws `git_auth_failed`. */
  async link(provider: GitAuthProvider, userId: string, code: string): Promise<void> {
    const { database, store, oauth, clock } = this.#dependencies
    let token: OAuthToken
    try {
      token = await oauth.exchange(provider, { code, redirectUrl: this.#callbackUrl(provider) })
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      throw new Failure('git_auth_failed', { message: 'Failed to exchange the OAuth code.', detail: error.message, cause: error })
    }
    await database.transaction(async (transaction) => {
      await store.in(transaction).put({ providerId: provider.id, userId }, token, timestamp(clock.now()))
      await notify(transaction, GIT_AUTH_CHANNEL, userId)
    })
  }

  /** Ends all waiting requests. */
  close(): void {
    this.#closing.abort()
  }

  /**
   * Renews a token; undefined when that is impossible. Concurrent requests share one renewal,
   * because a refresh token may work only once.
   */
  async #renew(provider: GitAuthProvider, link: LinkKey): Promise<OAuthToken | undefined> {
    if (provider.noRefresh) return undefined
    const key = JSON.stringify([link.providerId, link.userId])
    const renewal = this.#renewals.get(key) ?? this.#renewOnce(provider, link).finally(() => this.#renewals.delete(key))
    this.#renewals.set(key, renewal)
    return await renewal
  }

  async #renewOnce(provider: GitAuthProvider, link: LinkKey): Promise<OAuthToken | undefined> {
    const { store, oauth, clock } = this.#dependencies
    // Another renewal may have finished since the caller looked.
    const expired = await store.find(link)
    if (expired === undefined || !this.#hasExpired(expired)) return expired
    try {
      const renewed = await oauth.refresh(provider, { refreshToken: expired.refreshToken, redirectUrl: this.#callbackUrl(provider) })
      await store.put(link, renewed, timestamp(clock.now()))
      return renewed
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      // Another replica may have renewed it.
      const stored = await store.find(link)
      return stored === undefined || this.#hasExpired(stored) ? undefined : stored
    }
  }

  #hasExpired({ expiresAt }: OAuthToken): boolean {
    return expiresAt !== undefined && expiresAt.getTime() <= this.#dependencies.clock.now().getTime()
  }

  #signIn(provider: GitAuthProvider): WorkspaceAgentGitAuthResponse {
    return { username: '', password: '', url: `${this.#dependencies.accessUrl}/gitauth/${provider.id}` }
  }

  #callbackUrl(provider: GitAuthProvider): string {
    return `${this.#dependencies.accessUrl}/gitauth/${provider.id}/callback`
  }
}

/**
 * Returns the user name and password that each kind of host accepts for a token (Coder v2 API,
 * v0.13.4).
 */
function credentials({ type }: GitAuthProvider, { accessToken }: OAuthToken): WorkspaceAgentGitAuthResponse {
  if (type === 'gitlab') return { username: 'oauth2', password: accessToken, url: '' }
  if (type === 'bitbucket') return { username: 'x-token-auth', password: accessToken, url: '' }
  return { username: accessToken, password: '', url: '' }
}
