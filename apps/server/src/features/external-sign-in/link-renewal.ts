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

/** Asks providers anew about people whose tokens have run out, so that whoever is locked out there is locked out here. */
export class LinkRenewal {
  readonly #dependencies: Dependencies
  /** Requests that come at once share one renewal: some providers take a refresh token only once. */
  readonly #underWay = new Map<string, Promise<Date | undefined>>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Until when the session is good now; undefined: nothing had to be renewed. Throws `session_not_renewed`. */
  async renew(userId: string, loginType: LoginType): Promise<Date | undefined> {
    const key = `${loginType}:${userId}`
    const renewal = this.#underWay.get(key) ?? this.#renew(userId, loginType).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, renewal)
    return await renewal
  }

  async #renew(userId: string, loginType: LoginType): Promise<Date | undefined> {
    const { store, providers, clock, logger } = this.#dependencies
    const link = await store.find(userId, loginType)
    if (link === undefined) throw new Error(`user ${userId} has no link of the login type ${loginType}`)
    if (!this.#isExpired(link) || link.refreshToken === '') return undefined
    try {
      const tokens = await providers.get(loginType)?.refresh(link.refreshToken)
      if (tokens === undefined) throw new Error(`signing in with ${loginType} is not set up any more`)
      await store.renew({ userId, loginType, version: link.version, tokens, now: timestamp(clock.now()) })
      return tokens.expiresAt
    } catch (error) {
      // Another server may have used the refresh token a moment ago.
      const current = await store.find(userId, loginType)
      if (current !== undefined && current.version !== link.version && !this.#isExpired(current)) return current.expiresAt
      logger.warn({ err: error, user_id: userId, login_type: loginType }, 'a sign-in could not be renewed')
      throw new Failure('session_not_renewed', { cause: error })
    }
  }

  #isExpired({ expiresAt }: UserLink): boolean {
    return expiresAt !== undefined && expiresAt.getTime() < this.#dependencies.clock.now().getTime()
  }
}
