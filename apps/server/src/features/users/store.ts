import { sql, type RawBuilder } from 'kysely'
import type { VisibleCondition } from '../../access/visible.ts'
import type { Queries } from '../../database/database.ts'
import type { UserRow } from '../../database/rows.ts'
import type { UserFilter } from './read-filter.ts'

const organizationIds = sql<string[]>`array(
  select member.organization_id from organization_members member where member.user_id = users.id order by member.created_at, member.organization_id)`

export interface UserPage {
  readonly rows: readonly UserRow[]
  /** Matches on all pages. */
  readonly count: number
}

/** Users in the database. */
export class UserStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): UserStore {
    return new UserStore(queries)
  }

  /** Finds deleted users too. */
  async findById(id: string): Promise<UserRow | undefined> {
    return await this.#select().where('users.id', '=', id).executeTakeFirst()
  }

  async findByUsername(username: string): Promise<UserRow | undefined> {
    return await this.#select()
      .where(sql`lower(users.username)`, '=', username.toLowerCase())
      .where('users.deleted', '=', false)
      .executeTakeFirst()
  }

  async hasAny(): Promise<boolean> {
    const row = await this.#queries.selectFrom('users').select('id').where('deleted', '=', false).limit(1).executeTakeFirst()
    return row !== undefined
  }

  /** Whether a user that isn't deleted has the name or the address. */
  async isTaken({ username, email }: { username: string; email: string }): Promise<boolean> {
    const row = await this.#queries
      .selectFrom('users')
      .select('id')
      .where('deleted', '=', false)
      .where((where) =>
        where.or([where(sql`lower(username)`, '=', username.toLowerCase()), where(sql`lower(email)`, '=', email.toLowerCase())]),
      )
      .executeTakeFirst()
    return row !== undefined
  }

  /** Blocks other transactions that create a first user until this one ends. */
  async lockFirstUser(): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtext('berth: first user'))`.execute(this.#queries)
  }

  async insert(user: {
    id: string
    email: string
    username: string
    hashed_password: string
    rbac_roles: string[]
    /** Default: `password`. */
    login_type?: 'github' | 'oidc'
    avatar_url?: string
    now: string
  }): Promise<Omit<UserRow, 'organization_ids'>> {
    const { now, ...row } = user
    return await this.#queries
      .insertInto('users')
      .values({ ...row, created_at: now, updated_at: now })
      .returningAll()
      .executeTakeFirstOrThrow()
  }

  /**
   * Like {@link findById}. Until the transaction ends, nobody else can change the row or make the
   * user an owner of anything.
   */
  async lock(id: string): Promise<UserRow | undefined> {
    return await this.#select().where('users.id', '=', id).forUpdate('users').executeTakeFirst()
  }

  /** Blocks other transactions that may remove an owner until this one ends. */
  async lockOwners(): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtext('berth: owners'))`.execute(this.#queries)
  }

  /** Whether another active user is an owner. */
  async hasOtherOwner(id: string): Promise<boolean> {
    const row = await this.#queries
      .selectFrom('users')
      .select('id')
      .where('id', '!=', id)
      .where('deleted', '=', false)
      .where('status', '=', 'active')
      .where(sql<boolean>`'owner' = any(rbac_roles)`)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  }

  /** Lists the user's workspaces that aren't deleted. */
  async listWorkspaceIds(ownerId: string): Promise<string[]> {
    const rows = await this.#queries
      .selectFrom('workspaces')
      .select('id')
      .where('owner_id', '=', ownerId)
      .where(sql<boolean>`not deleted`)
      .execute()
    return rows.map(({ id }) => id)
  }

  async update(
    id: string,
    fields: Partial<Pick<UserRow, 'username' | 'status' | 'rbac_roles' | 'hashed_password' | 'deleted'>>,
    now: string,
  ): Promise<void> {
    await this.#queries
      .updateTable('users')
      .set({ ...fields, updated_at: now })
      .where('id', '=', id)
      .execute()
  }

  /** Reads a page and the number of matches on all pages in one statement. */
  async listPage(page: {
    readonly visible: VisibleCondition
    readonly filter: UserFilter
    readonly limit: number
    readonly offset: number
    readonly afterId: string | undefined
  }): Promise<UserPage> {
    if (page.visible.kind !== 'all') return { rows: [], count: 0 }
    const matches = matchesSql(page.filter)
    const after =
      page.afterId === undefined
        ? sql``
        : sql`and (users.created_at, users.id) > (select cursor.created_at, cursor.id from users cursor where cursor.id = ${page.afterId})`
    const { rows } = await sql<UserRow & { count: number }>`
      with page as materialized (
        select users.* from users where ${matches} ${after} order by users.created_at, users.id
        ${page.limit > 0 ? sql`limit ${page.limit}` : sql``} offset ${page.offset}),
      total as materialized (select count(*) as count from users where ${matches})
      select total.count, users.*, ${organizationIds} as organization_ids
      from total left join page users on true
      order by users.created_at, users.id`.execute(this.#queries)
    return { rows: rows.filter(({ id }) => id !== null), count: rows[0]?.count ?? 0 }
  }

  #select() {
    return this.#queries.selectFrom('users').selectAll('users').select(organizationIds.as('organization_ids'))
  }
}

function matchesSql({ search, statuses, roles }: UserFilter): RawBuilder<boolean> {
  const pattern = `%${search}%`
  const parts = [
    sql<boolean>`not users.deleted`,
    ...(search === '' ? [] : [sql<boolean>`(users.username ilike ${pattern} or users.email ilike ${pattern})`]),
    ...(statuses.length === 0 ? [] : [sql<boolean>`users.status = any(${statuses}::user_status[])`]),
    ...(roles.length === 0 ? [] : [sql<boolean>`users.rbac_roles && ${roles}::text[]`]),
  ]
  return sql`(${sql.join(parts, sql` and `)})`
}
