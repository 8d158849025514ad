import { sql } from 'kysely'
import type { VisibleCondition } from '../../access/visible.ts'
import type { Queries } from '../../database/database.ts'
import type { UserRow } from '../../found.ts'

const organizationIds = sql<string[]>`array(
  select member.organization_id from organization_members member where member.user_id = users.id order by member.created_at, member.organization_id)`

export interface UserPage {
  readonly rows: readonly UserRow[]
  /** Matches over all pages. */
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

  /** Deleted users included. */
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

  /** Whether the name or the address belongs to somebody who is not deleted. */
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

  /** Makes every other transaction that creates a first user wait for this one. */
  async lockFirstUser(): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtext('berth: first user'))`.execute(this.#queries)
  }

  async insert(user: {
    id: string
    email: string
    username: string
    hashed_password: string
    rbac_roles: string[]
    now: string
  }): Promise<void> {
    const { now, ...row } = user
    await this.#queries
      .insertInto('users')
      .values({ ...row, created_at: now, updated_at: now })
      .execute()
  }

  async listPage(page: { visible: VisibleCondition; limit: number; offset: number; afterId: string | undefined }): Promise<UserPage> {
    if (page.visible.kind !== 'all') return { rows: [], count: 0 }
    let query = this.#select().where('users.deleted', '=', false).orderBy('users.created_at').orderBy('users.id').offset(page.offset)
    if (page.limit > 0) query = query.limit(page.limit)
    if (page.afterId !== undefined)
      query = query.where(
        sql<boolean>`(users.created_at, users.id) > (select cursor.created_at, cursor.id from users cursor where cursor.id = ${page.afterId})`,
      )
    const [rows, { count }] = await Promise.all([query.execute(), this.#countPresent()])
    return { rows, count }
  }

  async #countPresent(): Promise<{ count: number }> {
    return await this.#queries
      .selectFrom('users')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('deleted', '=', false)
      .executeTakeFirstOrThrow()
  }

  #select() {
    return this.#queries.selectFrom('users').selectAll('users').select(organizationIds.as('organization_ids'))
  }
}
