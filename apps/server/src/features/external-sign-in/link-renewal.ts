import { Failure } from '@berth/schema'
import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import type { SignInProvider } from './provider.ts'
import type { ExternalSignInStore, UserLink } from './store.ts'

type LoginType = SignInProvider['loginType']

interface Dependencies {
  readonly store: ExternalSignInStore
  readonly providers: ReadonlyMap<LoginType, SignInProvider>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Renews provider tokens that have expired, so that a user whom the provider locks out is locked
 * out here too.
 */
export class LinkRenewal {
  readonly #dependencies: Dependencies
  /**
   * Concurrent requests share one renewal, because some providers accept a refresh token only once.
   */
  readonly #underWay = new Map<string, Promise<Date | undefined>>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Returns the session's new expiry, or undefined when nothing had to be renewed. Throws
   * `session_not_renewed`.
   */
  async renew(userId: string, loginType: LoginType): Promise<Date | undefined> {
    const key = `${loginType}:${userId}`
    const renewal = this.#underWay.get(key) ?? this.#renew(userId, loginType).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, renewal)
    return await renewal
  }

  async #renew(userId: string, loginType: LoginType): Promise<Date | undefined> {
    const { store, providers, clock, logger } = this.#dependencies
    const link = await store.find(userId, loginType)
    if (link === undefined) throw new Error(`user ${userId} has no link for the login type ${loginType}`)
    if (!this.#isExpired(link) || link.refreshToken === '') return undefined
    try {
      const tokens = await providers.get(loginType)?.refresh(link.refreshToken)
      if (tokens === undefined) throw new Error(`signing in with ${loginType} is no longer configured`)
      await store.renew({ userId, loginType, version: link.version, tokens, now: timestamp(clock.now()) })
      return tokens.expiresAt
    } catch (error) {
      // Another replica may have just used the refresh token.
      const current = await store.find(userId, loginType)
      if (current !== undefined && current.version !== link.version && !this.#isExpired(current)) return current.expiresAt
      logger.warn({ err: error, user_id: userId, login_type: loginType }, "couldn't renew a sign-in")
      throw new Failure('session_not_renewed', { cause: error })
    }
  }

  #isExpired({ expiresAt }: UserLink): boolean {
    return expiresAt !== undefined && expiresAt.getTime() < this.#dependencies.clock.now().getTime()
  }
}
