import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { UserRow } from '../../database/rows.ts'
import { placeOf, type SecretBox } from '../../secrets/secret-box.ts'
import type { ExternalTokens } from './provider.ts'

type LoginType = 'github' | 'oidc'

/** An existing user. */
export type LinkedUser = Omit<UserRow, 'organization_ids'>

/** A user's account at a provider, with the tokens that the provider issued. */
export interface UserLink extends ExternalTokens {
  readonly linkedId: string
  /** Changes with each renewal. */
  readonly version: string
}

/** Links between users and their provider accounts in the database. */
export class ExternalSignInStore {
  readonly #queries: Queries
  readonly #secrets: SecretBox

  constructor(queries: Queries, secrets: SecretBox) {
    this.#queries = queries
    this.#secrets = secrets
  }

  in(queries: Queries): ExternalSignInStore {
    return new ExternalSignInStore(queries, this.#secrets)
  }

  /** Ignores deleted users. */
  async findUserByLink(loginType: LoginType, linkedId: string): Promise<LinkedUser | undefined> {
    return await this.#selectUser()
      .innerJoin('user_links as link', 'link.user_id', 'users.id')
      .where('link.login_type', '=', loginType)
      .where('link.linked_id', '=', linkedId)
      .executeTakeFirst()
  }

  /** Ignores deleted users. */
  async findUserByEmail(email: string): Promise<LinkedUser | undefined> {
    return await this.#selectUser()
      .where(sql`lower(users.email)`, '=', email.toLowerCase())
      .executeTakeFirst()
  }

  async isUsernameTaken(username: string): Promise<boolean> {
    const row = await this.#selectUser()
      .where(sql`lower(users.username)`, '=', username.toLowerCase())
      .executeTakeFirst()
    return row !== undefined
  }

  /** Returns the oldest organization. */
  async findFirstOrganizationId(): Promise<string | undefined> {
    const row = await this.#queries.selectFrom('organizations').select('id').orderBy('created_at').orderBy('id').limit(1).executeTakeFirst()
    return row?.id
  }

  async find(userId: string, loginType: LoginType): Promise<UserLink | undefined> {
    const row = await this.#queries
      .selectFrom('user_links')
      .selectAll()
      .where('user_id', '=', userId)
      .where('login_type', '=', loginType)
      .executeTakeFirst()
    if (row === undefined) return undefined
    const { linked_id, sealed_access_token, sealed_refresh_token, expires_at, updated_at } = row
    return {
      linkedId: linked_id,
      accessToken: this.#secrets.openText(sealed_access_token, place('sealed_access_token', userId, loginType)),
      refreshToken:
        sealed_refresh_token === null ? '' : this.#secrets.openText(sealed_refresh_token, place('sealed_refresh_token', userId, loginType)),
      expiresAt: expires_at === null ? undefined : new Date(expires_at),
      version: updated_at,
    }
  }

  /** Unlinks a deleted user, so that the account can sign up again. */
  async deleteStale(loginType: LoginType, linkedId: string): Promise<void> {
    await sql`
      delete from user_links link using users
      where users.id = link.user_id and users.deleted and link.login_type = ${loginType} and link.linked_id = ${linkedId}`.execute(
      this.#queries,
    )
  }

  async save(link: {
    readonly userId: string
    readonly loginType: LoginType
    readonly linkedId: string
    readonly tokens: ExternalTokens
    readonly now: string
  }): Promise<void> {
    const { userId, loginType, linkedId, now } = link
    const sealed = this.#sealed(userId, loginType, link.tokens)
    await this.#queries
      .insertInto('user_links')
      .values({ user_id: userId, login_type: loginType, linked_id: linkedId, ...sealed, created_at: now, updated_at: now })
      .onConflict((conflict) =>
        conflict.columns(['user_id', 'login_type']).doUpdateSet({ linked_id: linkedId, ...sealed, updated_at: now }),
      )
      .execute()
  }

  /** Stores renewed tokens, unless another renewal was faster. */
  async renew(link: {
    readonly userId: string
    readonly loginType: LoginType
    readonly version: string
    readonly tokens: ExternalTokens
    readonly now: string
  }): Promise<void> {
    const { userId, loginType, version, tokens, now } = link
    await this.#queries
      .updateTable('user_links')
      .set({ ...this.#sealed(userId, loginType, tokens), updated_at: now })
      .where('user_id', '=', userId)
      .where('login_type', '=', loginType)
      .where('updated_at', '=', version)
      .execute()
  }

  /** Copies an address and a picture to the user. */
  async mirror(userId: string, fields: { readonly email: string; readonly avatar_url: string; readonly now: string }): Promise<void> {
    const { email, avatar_url, now } = fields
    await this.#queries.updateTable('users').set({ email, avatar_url, updated_at: now }).where('id', '=', userId).execute()
  }

  #selectUser() {
    return this.#queries.selectFrom('users').selectAll('users').where('users.deleted', '=', false)
  }

  #sealed(userId: string, loginType: LoginType, { accessToken, refreshToken, expiresAt }: ExternalTokens) {
    return {
      sealed_access_token: this.#secrets.sealText(accessToken, place('sealed_access_token', userId, loginType)),
      sealed_refresh_token:
        refreshToken === '' ? null : this.#secrets.sealText(refreshToken, place('sealed_refresh_token', userId, loginType)),
      expires_at: expiresAt?.toISOString() ?? null,
    }
  }
}

function place(column: 'sealed_access_token' | 'sealed_refresh_token', userId: string, loginType: LoginType): string {
  return placeOf('user_links', column, userId, loginType)
}
