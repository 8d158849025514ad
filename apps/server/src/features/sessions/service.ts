import { Failure, keyScopes, type CreateTokenRequest } from '@berth/schema'
import { formatDuration } from '@berth/schema/rules'
import { compileActor } from '../../access/may.ts'
import { SESSIONS_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { UserRow } from '../../database/rows.ts'
import type { Actor, Origin } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import { isSecret, newApiKey, readToken, type ApiKey } from './api-key.ts'
import { sealAppKey, unsealAppKey } from './app-key.ts'
import { KEY_LIFETIME_SECONDS, SESSION_LIFETIME_SECONDS, TOKEN_LIFETIME_MS, TOUCH_INTERVAL_MS } from './lifetimes.ts'
import { isPassword } from './password.ts'
import type { ApiKeyRow, IdentityRow, SessionStore } from './store.ts'

const NANOSECONDS_A_MS = 1_000_000

interface Dependencies {
  readonly database: Database
  readonly store: SessionStore
  readonly audit: AuditService
  readonly clock: Clock
  /**
   * Renews the session of a user of a sign-in provider. Returns the new expiry, or undefined when
   * it hasn't changed. Throws `session_not_renewed`.
   */
  readonly renewLink: (userId: string, loginType: 'github' | 'oidc') => Promise<Date | undefined>
  /** The longest lifetime of a token. */
  readonly maxTokenLifetimeMs: number
}

type NewRow = Omit<ApiKeyRow, 'last_used' | 'updated_at'>
/** The fields of a new key that its creator decides. */
interface NewKey extends Pick<ApiKeyRow, 'user_id' | 'login_type' | 'lifetime_seconds' | 'ip_address' | 'scope'> {
  /** Default: now plus the lifetime. */
  readonly expires_at?: string
}

const PASSWORD_KEY = { login_type: 'password', scope: 'all' } as const

/** Signs users in and out, manages their keys and tokens, and identifies callers. */
export class SessionService {
  readonly #dependencies: Dependencies
  readonly #store: SessionStore
  readonly #clock: Clock

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
    this.#clock = dependencies.clock
  }

  /**
   * Returns the user behind a token, and extends the expiry of a key in use (Coder v2 API,
   * v0.13.4). Throws `signed_out` or `user_not_active`.
   */
  async identify(token: string | undefined, origin: Origin): Promise<Actor> {
    if (token === undefined)
      throw new Failure('signed_out', { detail: 'Cookie "coder_session_token" or query parameter must be provided.' })
    const { id, secret } = readToken(token)
    const stored = await this.#store.findIdentity(id)
    // A deleted user's keys stop working at once.
    if (stored === undefined || stored.deleted) throw new Failure('signed_out', { detail: 'API key is invalid.' })
    if (!isSecret(secret, stored.hashed_secret)) throw new Failure('signed_out', { detail: 'API key secret is invalid.' })
    const now = this.#clock.now().getTime()
    const key = await this.#renewed(stored, now)
    if (Date.parse(key.expires_at) < now) throw new Failure('signed_out', { detail: `API key expired at "${key.expires_at}".` })
    await this.#touch(key, origin, now)
    if (key.status !== 'active')
      throw new Failure('user_not_active', {
        message: `User is not active (status = "${key.status}"). Contact an admin to reactivate your account.`,
      })
    const { user_id, username, rbac_roles, organization_roles, groups, scope, app_host } = key
    const permissions = compileActor({ user_id, roles: rbac_roles, organization_roles, groups, scope })
    return { user_id, username, key_id: id, permissions, origin, ...(app_host !== null && { app_host }) }
  }

  /**
   * Signs in with a password and returns a token. An unknown e-mail and a wrong password look the
   * same, even in the time they take.
   */
  async login(request: { readonly email: string; readonly password: string }, origin: Origin): Promise<string> {
    const user = await this.#store.findPassword(request.email)
    const isRight = await isPassword(request.password, user?.hashed_password ?? '')
    if (user === undefined || !isRight) throw new Failure('incorrect_login')
    if (user.login_type !== 'password')
      throw new Failure('incorrect_login_type', {
        message: `Incorrect login type, attempting to use "password" but user is of login type "${user.login_type}"`,
      })
    if (user.status !== 'active')
      throw new Failure('user_not_active', { message: `Your account is ${user.status}. Contact an admin to reactivate your account.` })
    const key = this.#newKey({ ...PASSWORD_KEY, user_id: user.id, lifetime_seconds: SESSION_LIFETIME_SECONDS, ip_address: origin.ip })
    await this.#store.insert(key.row)
    return key.token
  }

  /** Starts a session for a user of a sign-in provider. Returns the token. */
  async begin(transaction: Transaction, user: Pick<ApiKeyRow, 'user_id' | 'login_type' | 'ip_address'>): Promise<string> {
    const { row, token } = this.#newKey({ ...user, lifetime_seconds: SESSION_LIFETIME_SECONDS, scope: 'all' })
    await this.#store.in(transaction).insert(row)
    return token
  }

  /** Creates a key for a command line. */
  async createKey(actor: Actor, user: UserRow): Promise<string> {
    const { ip } = actor.origin
    const key = { ...PASSWORD_KEY, user_id: user.id, lifetime_seconds: KEY_LIFETIME_SECONDS, ip_address: ip }
    return (await this.#createKey(actor, key)).token
  }

  /**
   * Creates a key that opens apps on one host and nothing else. It lasts as long as the session, at
   * most {@link KEY_LIFETIME_SECONDS}. Returns it encrypted for that host.
   */
  async createAppKey(actor: Actor, host: string): Promise<string> {
    const session = await this.#store.findOfUser(actor.user_id, actor.key_id)
    if (session === undefined) throw new Failure('not_found')
    const now = this.#clock.now().getTime()
    const fields = {
      ...PASSWORD_KEY,
      scope: 'application_connect',
      user_id: actor.user_id,
      lifetime_seconds: Math.min(session.lifetime_seconds, KEY_LIFETIME_SECONDS),
      ip_address: actor.origin.ip,
      expires_at: timestamp(Math.min(Date.parse(session.expires_at), now + KEY_LIFETIME_SECONDS * 1000)),
    } as const
    const key = await this.#createKey(actor, fields, async (transaction, id) => {
      await this.#store.in(transaction).insertAppKey({ key_id: id, session_key_id: actor.key_id, host })
    })
    return await sealAppKey(key, now)
  }

  /**
   * Returns the token that {@link createAppKey} has sealed for this host. Each is handed over once;
   * undefined: it was before, has expired, or is for another host.
   */
  async openAppKey(sealed: string, host: string): Promise<string | undefined> {
    const now = this.#clock.now().getTime()
    const opened = await unsealAppKey(sealed, now, async (id) => await this.#store.findAppKey(id))
    if (opened?.host !== host || !(await this.#store.handOver(opened.id, timestamp(now)))) return undefined
    return opened.token
  }

  /** Creates a token for programs. Throws `invalid_token_lifetime`. */
  async createToken(actor: Actor, user: UserRow, { lifetime = 0, scope }: CreateTokenRequest): Promise<string> {
    const lifetimeMs = lifetime === 0 ? this.#standardTokenLifetimeMs() : lifetime / NANOSECONDS_A_MS
    this.#requireTokenLifetime(lifetimeMs)
    const { token } = await this.#createKey(actor, {
      user_id: user.id,
      login_type: 'token',
      lifetime_seconds: Math.ceil(lifetimeMs / 1000),
      ip_address: '',
      // Clients may omit the scope or send an empty one.
      scope: keyScopes.find((known) => known === scope) ?? 'all',
    })
    return token
  }

  async listTokens(user: UserRow): Promise<ApiKeyRow[]> {
    return await this.#store.listTokens(user.id)
  }

  /** Throws `not_found`, also for other users' keys. */
  async getKey(user: UserRow, id: string): Promise<ApiKeyRow> {
    const row = await this.#store.findOfUser(user.id, id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Throws `not_found`, also for other users' keys. */
  async deleteKey(actor: Actor, user: UserRow, id: string): Promise<void> {
    const { database, audit } = this.#dependencies
    const row = await this.getKey(user, id)
    await database.transaction(async (transaction) => {
      await this.#store.in(transaction).delete(row.id)
      await notify(transaction, SESSIONS_CHANNEL, user.id)
      await audit.record(transaction, actor, { ...auditedAs(row), action: 'delete', before: row, status_code: 204 })
    })
  }

  /** Ends the session that makes the request. */
  async logout(actor: Actor): Promise<void> {
    await this.#dependencies.database.transaction(async (transaction) => {
      await this.#store.in(transaction).delete(actor.key_id)
      await notify(transaction, SESSIONS_CHANNEL, actor.user_id)
    })
  }

  /** Ends the session of a token. Does nothing when the token is no longer valid. */
  async endSession(token: string, origin: Origin): Promise<void> {
    try {
      await this.logout(await this.identify(token, origin))
    } catch (error) {
      if (!Failure.is(error)) throw error
    }
  }

  /** Ends every session of a user and deletes all keys and tokens. */
  async endAll(transaction: Transaction, userId: string): Promise<void> {
    await this.#store.in(transaction).deleteOfUser(userId)
    await notify(transaction, SESSIONS_CHANNEL, userId)
  }

  /** Closes a suspended user's open connections and keeps the keys. */
  async suspend(transaction: Transaction, userId: string): Promise<void> {
    await notify(transaction, SESSIONS_CHANNEL, userId)
  }

  /** Returns those of the given keys that still authenticate their users. */
  async findSignedIn(keyIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(await this.#store.listSignedIn(keyIds))
  }

  #standardTokenLifetimeMs(): number {
    return Math.min(TOKEN_LIFETIME_MS, this.#dependencies.maxTokenLifetimeMs)
  }

  #requireTokenLifetime(lifetimeMs: number): void {
    const { maxTokenLifetimeMs } = this.#dependencies
    if (lifetimeMs <= 0) throw new Failure('invalid_token_lifetime', { detail: 'lifetime must be positive number greater than 0' })
    if (lifetimeMs > maxTokenLifetimeMs)
      throw new Failure('invalid_token_lifetime', { detail: `lifetime must be less than ${formatDuration(maxTokenLifetimeMs)}` })
  }

  async #createKey(actor: Actor, fields: NewKey, also?: (transaction: Transaction, id: string) => Promise<void>): Promise<ApiKey> {
    const { database, audit } = this.#dependencies
    const { row, token } = this.#newKey(fields)
    await database.transaction(async (transaction) => {
      await this.#store.in(transaction).insert(row)
      await also?.(transaction, row.id)
      await audit.record(transaction, actor, { ...auditedAs(row), action: 'create', after: row, status_code: 201 })
    })
    return { id: row.id, hashed_secret: row.hashed_secret, token }
  }

  #newKey(fields: NewKey): { readonly row: NewRow; readonly token: string } {
    const now = this.#clock.now().getTime()
    const { id, hashed_secret, token } = newApiKey()
    const expires_at = fields.expires_at ?? timestamp(now + fields.lifetime_seconds * 1000)
    return { row: { ...fields, id, hashed_secret, expires_at, created_at: timestamp(now) }, token }
  }

  /** Asks the sign-in provider again when its token has expired. */
  async #renewed(key: IdentityRow, now: number): Promise<IdentityRow> {
    if (key.login_type !== 'github' && key.login_type !== 'oidc') return key
    if (!key.is_linked) throw new Error(`user ${key.user_id} has no link for the login type ${key.login_type}`)
    if (key.renewable_at === null || Date.parse(key.renewable_at) >= now) return key
    const renewed = await this.#dependencies.renewLink(key.user_id, key.login_type)
    if (renewed === undefined) return key
    const expires_at = timestamp(renewed.getTime())
    await this.#store.setExpiry(key.id, expires_at)
    return { ...key, expires_at }
  }

  /**
   * Writes at most about once per {@link TOUCH_INTERVAL_MS} and key: records a use after that much
   * silence, and moves an expiry that has come that much closer. An app key keeps its expiry, so
   * that it doesn't outlive the session it was made from; the browser gets a new one then.
   */
  async #touch(key: IdentityRow, origin: Origin, now: number): Promise<void> {
    const isLongUnused = now - Date.parse(key.last_used) > TOUCH_INTERVAL_MS
    const lifetimeMs = key.lifetime_seconds * 1000
    const isExpiryDue = !isAppKey(key) && Date.parse(key.expires_at) - now <= lifetimeMs - TOUCH_INTERVAL_MS
    if (!isLongUnused && !isExpiryDue) return
    await this.#store.touch({
      id: key.id,
      user_id: key.user_id,
      last_used: isLongUnused ? timestamp(now) : key.last_used,
      ip_address: isLongUnused ? origin.ip : key.ip_address,
      expires_at: isExpiryDue ? timestamp(now + lifetimeMs) : key.expires_at,
      now: timestamp(now),
    })
  }
}

/** Whether {@link SessionService.createAppKey} made a key. Tokens may have its scope as well. */
function isAppKey({ scope, login_type }: IdentityRow): boolean {
  return scope === 'application_connect' && login_type === PASSWORD_KEY.login_type
}

/**
 * The audit log needs UUIDs, which keys don't have. An entry therefore names the user's ID and the
 * key as target.
 */
function auditedAs({ id, user_id }: NewRow): { resource_type: 'api_key'; resource_id: string; resource_target: string } {
  return { resource_type: 'api_key', resource_id: user_id, resource_target: id }
}
