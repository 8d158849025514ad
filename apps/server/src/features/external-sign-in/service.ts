import { Failure, type ExternalSignInQuery } from '@berth/schema'
import { hasInvisibleCharacters, randomName, usernameFrom } from '@berth/schema/rules'
import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import type { Origin } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { SessionService } from '../sessions/service.ts'
import type { UserService } from '../users/service.ts'
import type { ExternalIdentity, SignInProvider } from './provider.ts'
import type { ExternalSignInStore, LinkedUser } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: ExternalSignInStore
  readonly providers: ReadonlyMap<SignInProvider['loginType'], SignInProvider>
  readonly users: UserService
  readonly sessions: SessionService
  readonly audit: AuditService
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
}

/** What a browser brings back from a provider. */
export interface ReturningBrowser {
  readonly query: ExternalSignInQuery
  readonly stateCookie: string | undefined
  readonly verifier: string | undefined
  readonly origin: Origin
}

const USERNAME_ATTEMPTS = 10

/** Signs users in with their accounts at sign-in providers. */
export class ExternalSignInService {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  isConfigured(loginType: SignInProvider['loginType']): boolean {
    return this.#dependencies.providers.has(loginType)
  }

  /** Returns where to send the browser. Throws `external_sign_in_unavailable`. */
  async begin(loginType: SignInProvider['loginType'], secrets: { readonly state: string; readonly verifier: string }): Promise<URL> {
    return await this.#logged(loginType, async () => await this.#provider(loginType).authorizationUrl(secrets))
  }

  /**
   * Signs in the user who comes back from a provider and returns the session token. Throws a
   * failure that says why they may not sign in.
   */
  async finish(loginType: SignInProvider['loginType'], browser: ReturningBrowser): Promise<string> {
    const provider = this.#provider(loginType)
    const { query, stateCookie, verifier, origin } = browser
    const { code = '', state = '', iss, error = '', error_description } = query
    if (state === '') throw new Failure('invalid_external_sign_in', { message: 'State must be provided.' })
    if (stateCookie === undefined || stateCookie === '')
      throw new Failure('external_sign_in_refused', { message: 'Cookie "oauth_state" must be provided.' })
    if (stateCookie !== state) throw new Failure('external_sign_in_refused', { message: 'State mismatched.' })
    if (error !== '')
      throw new Failure('external_sign_in_refused', {
        message: 'The sign-in provider refused the sign-in.',
        detail: error_description || error,
      })
    const url = new URL('https://callback.invalid/')
    url.search = new URLSearchParams({ code, state, ...(iss !== undefined && { iss }) }).toString()
    const identity = await this.#logged(loginType, async () => await provider.identify({ url, code, state, verifier }))
    return await this.#signIn(provider, identity, origin)
  }

  #provider(loginType: SignInProvider['loginType']): SignInProvider {
    const provider = this.#dependencies.providers.get(loginType)
    if (provider === undefined) throw new Failure('external_sign_in_unavailable')
    return provider
  }

  /** Logs what is wrong with a provider. Users see little of it, but administrators must know. */
  async #logged<Result>(loginType: string, ask: () => Promise<Result>): Promise<Result> {
    try {
      return await ask()
    } catch (error) {
      if (Failure.is(error) && error.status >= 500) {
        const { message, detail, cause } = error
        this.#dependencies.logger.warn({ err: cause, login_type: loginType, detail }, `a sign-in failed: ${message}`)
      }
      throw error
    }
  }

  async #signIn(provider: SignInProvider, identity: ExternalIdentity, origin: Origin): Promise<string> {
    const { database, store, sessions, clock } = this.#dependencies
    const { loginType } = provider
    try {
      return await database.transaction(async (transaction) => {
        const links = store.in(transaction)
        const user = await this.#findUser(transaction, provider, identity)
        if (identity.email !== user?.email) requireVisible(identity.email)
        await links.deleteStale(loginType, identity.linkedId)
        const userId = user?.id ?? (await this.#signUp(transaction, { provider, identity, origin }))
        if (user !== undefined) await this.#mirror(transaction, { user, identity, origin })
        const { linkedId, tokens } = identity
        await links.save({ userId, loginType, linkedId, tokens, now: timestamp(clock.now()) })
        return await sessions.begin(transaction, { user_id: userId, login_type: loginType, ip_address: origin.ip })
      })
    } catch (error) {
      // Another user has the address, or another request took the name.
      if (/^(users|user_links)_/.test(violatedConstraint(error) ?? '')) throw new Failure('user_exists', { cause: error })
      throw error
    }
  }

  /** Finds the user by linked account, then by address; undefined for a new user. */
  async #findUser(transaction: Transaction, provider: SignInProvider, identity: ExternalIdentity): Promise<LinkedUser | undefined> {
    const { loginType } = provider
    const store = this.#dependencies.store.in(transaction)
    const linked = await store.findUserByLink(loginType, identity.linkedId)
    const user = linked ?? (await store.findUserByEmail(identity.email))
    if (user === undefined) {
      if (provider.allowSignups) return undefined
      throw new Failure('external_sign_in_forbidden', { message: `Signups are not allowed for login type ${JSON.stringify(loginType)}` })
    }
    if (user.login_type !== loginType)
      throw new Failure('incorrect_login_type', {
        message: `Incorrect login type, attempting to use ${JSON.stringify(loginType)} but user is of login type ${JSON.stringify(user.login_type)}`,
      })
    // An address that has changed hands must not open its former owner's account.
    if (linked === undefined && (await store.find(user.id, loginType)) !== undefined)
      throw new Failure('external_sign_in_forbidden', {
        message: 'The user with this address signs in with another account of the provider.',
      })
    if (user.status !== 'active')
      throw new Failure('user_not_active', { message: `Your account is ${user.status}. Contact an admin to reactivate your account.` })
    return user
  }

  async #signUp(
    transaction: Transaction,
    { provider, identity, origin }: { readonly provider: SignInProvider; readonly identity: ExternalIdentity; readonly origin: Origin },
  ): Promise<string> {
    const { store, users } = this.#dependencies
    const username = await this.#freeUsername(transaction, identity.username)
    const organization_id = await store.in(transaction).findFirstOrganizationId()
    const { email, avatarUrl: avatar_url } = identity
    return await users.signUp(transaction, { username, email, avatar_url, login_type: provider.loginType, organization_id, origin })
  }

  async #freeUsername(transaction: Transaction, text: string): Promise<string> {
    const { store, random } = this.#dependencies
    const wanted = usernameFrom(text, random)
    let candidate = wanted
    for (let attempt = 0; attempt <= USERNAME_ATTEMPTS; attempt++) {
      if (!(await store.in(transaction).isUsernameTaken(candidate))) return candidate
      candidate = usernameFrom(`${wanted}-${randomName(random)}`, random)
    }
    throw new Failure('user_exists', { message: `The username ${JSON.stringify(wanted)} and every variant tried are taken.` })
  }

  /** Copies the address and the picture from the provider. */
  async #mirror(
    transaction: Transaction,
    { user, identity, origin }: { readonly user: LinkedUser; readonly identity: ExternalIdentity; readonly origin: Origin },
  ): Promise<void> {
    const { store, audit, clock } = this.#dependencies
    const { email, avatarUrl: avatar_url } = identity
    if (user.email === email && user.avatar_url === avatar_url) return
    await store.in(transaction).mirror(user.id, { email, avatar_url, now: timestamp(clock.now()) })
    await audit.record(
      transaction,
      { user_id: user.id, origin },
      {
        action: 'write',
        resource_type: 'user',
        resource_id: user.id,
        resource_target: user.username,
        before: user,
        after: { ...user, email, avatar_url },
        status_code: 307,
      },
    )
  }
}

/** Refuses an address that nobody could tell from another. */
function requireVisible(email: string): void {
  if (!hasInvisibleCharacters(email)) return
  throw new Failure('invalid_external_sign_in', {
    message: `The email ${JSON.stringify(email)} of your account contains invisible characters. Change it at the sign-in provider.`,
  })
}
