import { Failure } from '@berth/schema'
import { compileActor } from '../../access/may.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Actor, Origin } from '../../http/caller.ts'
import { isSecret, newApiKey, readToken } from './api-key.ts'
import { isPassword } from './password.ts'
import type { ApiKeyRow, IdentityRow, SessionStore } from './store.ts'

const HOUR_MS = 3_600_000
const LOGIN_LIFETIME_SECONDS = 86_400
const KEY_LIFETIME_SECONDS = 7 * 86_400

/** Who is calling: signing in and out, and telling from a token who sent it. */
export class SessionService {
  readonly #store: SessionStore
  readonly #clock: Clock

  constructor({ store, clock }: { readonly store: SessionStore; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /** The user behind a token; throws `signed_out` or `user_not_active`. Moves the expiry of a key in use (Coder v2 API, v0.13.4). */
  async identify(token: string | undefined, origin: Origin): Promise<Actor> {
    if (token === undefined)
      throw new Failure('signed_out', { detail: 'Cookie "coder_session_token" or query parameter must be provided.' })
    const { id, secret } = readToken(token)
    const key = await this.#store.findIdentity(id)
    // The keys of a deleted user are worth nothing from that moment on.
    if (key === undefined || key.deleted) throw new Failure('signed_out', { detail: 'API key is invalid.' })
    if (!isSecret(secret, key.hashed_secret)) throw new Failure('signed_out', { detail: 'API key secret is invalid.' })
    const now = this.#clock.now().getTime()
    if (Date.parse(key.expires_at) < now) throw new Failure('signed_out', { detail: `API key expired at "${key.expires_at}".` })
    await this.#touch(key, origin, now)
    if (key.status !== 'active')
      throw new Failure('user_not_active', {
        message: `User is not active (status = "${key.status}"). Contact an admin to reactivate your account.`,
      })
    const { user_id, username, rbac_roles, organization_roles, scope } = key
    const permissions = compileActor({ user_id, roles: rbac_roles, organization_roles, groups: [], scope })
    return { user_id, username, key_id: id, permissions, origin }
  }

  /** Signs in; the returned token is shown once. Unknown e-mail and wrong password cannot be told apart, not even by time. */
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
    return await this.#createKey(user.id, LOGIN_LIFETIME_SECONDS, origin)
  }

  /** Makes a key for command lines, valid for a week. */
  async createKey(userId: string, origin: Origin): Promise<string> {
    return await this.#createKey(userId, KEY_LIFETIME_SECONDS, origin)
  }

  /** Ends the session that makes the request. */
  async logout(actor: Actor): Promise<void> {
    await this.#store.delete(actor.key_id)
  }

  async #createKey(userId: string, lifetimeSeconds: number, origin: Origin): Promise<string> {
    const now = this.#clock.now().getTime()
    const { id, hashed_secret, token } = newApiKey()
    const row: Omit<ApiKeyRow, 'last_used' | 'updated_at'> = {
      id,
      hashed_secret,
      user_id: userId,
      expires_at: timestamp(now + lifetimeSeconds * 1000),
      created_at: timestamp(now),
      login_type: 'password',
      lifetime_seconds: lifetimeSeconds,
      ip_address: origin.ip,
      scope: 'all',
    }
    await this.#store.insert(row)
    return token
  }

  /** At most about hourly for each key: a use after an hour of silence is noted, and an expiry that has come an hour closer is moved. */
  async #touch(key: IdentityRow, origin: Origin, now: number): Promise<void> {
    const isLongUnused = now - Date.parse(key.last_used) > HOUR_MS
    const lifetimeMs = key.lifetime_seconds * 1000
    const isExpiryDue = Date.parse(key.expires_at) - now <= lifetimeMs - HOUR_MS
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
