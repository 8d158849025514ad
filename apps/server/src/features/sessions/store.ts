import { sql, type Selectable } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { ApiKeysTable } from '../../database/tables.gen.ts'

export type ApiKeyRow = Selectable<ApiKeysTable>

/** A key with every fact about its user that decides what it may do. */
export interface IdentityRow extends ApiKeyRow {
  readonly username: string
  readonly status: 'active' | 'suspended'
  readonly deleted: boolean
  /** When a sign-in provider must be asked again; null when never. */
  readonly renewable_at: string | null
  /** Whether the user signs in with a provider. */
  readonly is_linked: boolean
  readonly rbac_roles: string[]
  readonly organization_roles: { readonly organization_id: string; readonly roles: string[] }[]
  /** IDs of the user's groups, without the everyone groups. */
  readonly groups: string[]
  /** The only host on which the key opens apps; null for other keys. */
  readonly app_host: string | null
}

/** A key that is handed over to the host of an app. */
export interface AppKeyRow {
  readonly hashed_secret: Buffer
  readonly host: string
}

/** Session keys in the database. */
export class SessionStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): SessionStore {
    return new SessionStore(queries)
  }

  async findIdentity(id: string): Promise<IdentityRow | undefined> {
    return await this.#queries
      .selectFrom('api_keys as key')
      .innerJoin('users as user', 'user.id', 'key.user_id')
      .leftJoin('user_links as link', (join) =>
        join.onRef('link.user_id', '=', 'key.user_id').onRef('link.login_type', '=', 'key.login_type'),
      )
      .leftJoin('app_keys as app_key', 'app_key.key_id', 'key.id')
      .selectAll('key')
      .select('app_key.host as app_host')
      .select([
        sql<string | null>`case when link.sealed_refresh_token is not null then link.expires_at end`.as('renewable_at'),
        sql<boolean>`link.user_id is not null`.as('is_linked'),
      ])
      .select(['user.username', 'user.status', 'user.deleted', 'user.rbac_roles'])
      .select(
        sql<IdentityRow['organization_roles']>`coalesce((
          select json_agg(json_build_object('organization_id', member.organization_id, 'roles', member.roles))
          from organization_members member where member.user_id = ${sql.ref('user.id')}), '[]'::json)`.as('organization_roles'),
      )
      .select(
        sql<string[]>`array(select member.group_id from group_members member where member.user_id = ${sql.ref('user.id')})`.as('groups'),
      )
      .where('key.id', '=', id)
      .executeTakeFirst()
  }

  /** Returns those of the given keys that still authenticate their users. */
  async listSignedIn(ids: readonly string[]): Promise<string[]> {
    const rows = await this.#queries
      .selectFrom('api_keys as key')
      .innerJoin('users as user', 'user.id', 'key.user_id')
      .select('key.id')
      .where('key.id', '=', sql<string>`any(${ids}::text[])`)
      .where('user.deleted', '=', false)
      .where('user.status', '=', 'active')
      .execute()
    return rows.map(({ id }) => id)
  }

  async setExpiry(id: string, expires_at: string): Promise<void> {
    await this.#queries.updateTable('api_keys').set({ expires_at }).where('id', '=', id).execute()
  }

  async insert(row: Omit<ApiKeyRow, 'last_used' | 'updated_at'>): Promise<void> {
    await this.#queries
      .insertInto('api_keys')
      .values({ ...row, updated_at: row.created_at })
      .execute()
  }

  /** Binds a key to the host of an app, and to the session that it was made from. */
  async insertAppKey(row: { readonly key_id: string; readonly session_key_id: string; readonly host: string }): Promise<void> {
    await this.#queries.insertInto('app_keys').values(row).execute()
  }

  /** Returns a key that hasn't been handed over yet. */
  async findAppKey(id: string): Promise<AppKeyRow | undefined> {
    return await this.#queries
      .selectFrom('app_keys')
      .innerJoin('api_keys as key', 'key.id', 'app_keys.key_id')
      .select(['key.hashed_secret', 'app_keys.host'])
      .where('key.id', '=', id)
      .where('app_keys.handed_over_at', 'is', null)
      .executeTakeFirst()
  }

  /** Marks a key as handed over. Returns false if it was already. */
  async handOver(id: string, now: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#queries
      .updateTable('app_keys')
      .set({ handed_over_at: now })
      .where('key_id', '=', id)
      .where('handed_over_at', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  /** Records a use of a key and of its user. */
  async touch(key: { id: string; user_id: string; last_used: string; expires_at: string; ip_address: string; now: string }): Promise<void> {
    await sql`
      with touched as (
        update api_keys set last_used = ${key.last_used}, expires_at = ${key.expires_at}, ip_address = ${key.ip_address} where id = ${key.id}
      )
      update users set last_seen_at = ${key.now}, updated_at = ${key.now} where id = ${key.user_id}`.execute(this.#queries)
  }

  /** Deletes a key, and with it the app keys that were made from it. */
  async delete(id: string): Promise<void> {
    await sql`delete from api_keys where id = ${id} or id in (select key_id from app_keys where session_key_id = ${id})`.execute(
      this.#queries,
    )
  }

  async deleteOfUser(userId: string): Promise<void> {
    await this.#queries.deleteFrom('api_keys').where('user_id', '=', userId).execute()
  }

  async findOfUser(userId: string, id: string): Promise<ApiKeyRow | undefined> {
    return await this.#queries.selectFrom('api_keys').selectAll().where('id', '=', id).where('user_id', '=', userId).executeTakeFirst()
  }

  /** Oldest first. */
  async listTokens(userId: string): Promise<ApiKeyRow[]> {
    return await this.#queries
      .selectFrom('api_keys')
      .selectAll()
      .where('user_id', '=', userId)
      .where('login_type', '=', 'token')
      .orderBy('created_at')
      .orderBy('id')
      .execute()
  }

  async findPassword(
    email: string,
  ): Promise<{ id: string; hashed_password: string; login_type: string; status: 'active' | 'suspended' } | undefined> {
    return await this.#queries
      .selectFrom('users')
      .select(['id', 'hashed_password', 'login_type', 'status'])
      .where(sql`lower(email)`, '=', email.toLowerCase())
      .where('deleted', '=', false)
      .executeTakeFirst()
  }
}
