import { randomUUID } from 'node:crypto'
import type { AuditAction } from '@berth/schema'
import { sql, type RawBuilder } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { UserRow } from '../../database/rows.ts'
import type { Difference } from './difference.ts'
import type { AuditFilter } from './read-filter.ts'

/** The length of the date at the start of a time. */
const DAY_LENGTH = 10

/** An entry of the audit log. */
export interface AuditEntry {
  readonly time: string
  readonly user_id: string
  readonly organization_id: string | null
  readonly ip: string
  readonly user_agent: string
  readonly request_id: string
  readonly resource_type: string
  readonly resource_id: string
  readonly resource_target: string
  readonly action: AuditAction
  readonly diff: Difference
  readonly status_code: number
  readonly additional_fields: Readonly<Record<string, string>>
}

/** An entry with its user and the present state of its resource. */
export interface AuditView extends Omit<AuditEntry, 'additional_fields'> {
  readonly id: string
  readonly resource_icon: string
  readonly additional_fields: unknown
  /** Null when the user is gone. */
  readonly user: UserRow | null
  readonly is_deleted: boolean
}

/** A filter with user IDs in place of names and addresses. */
export interface AuditMatch extends Omit<AuditFilter, 'username' | 'email'> {
  readonly user_ids?: readonly string[]
}

/** The audit log in the database. */
export class AuditStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): AuditStore {
    return new AuditStore(queries)
  }

  async insert(entry: AuditEntry): Promise<void> {
    const { diff, additional_fields, ...rest } = entry
    await this.#queries
      .insertInto('audit_logs')
      .values({
        id: randomUUID(),
        ...rest,
        diff: sql`${JSON.stringify(diff)}::jsonb`,
        additional_fields: sql`${JSON.stringify(additional_fields)}::jsonb`,
      })
      .execute()
  }

  /**
   * Finds the users that a filter names, also deleted ones; undefined when it names none. They are
   * looked up first, because users are few and entries many.
   */
  async findPeople({ username, email }: AuditFilter): Promise<string[] | undefined> {
    if (username === undefined && email === undefined) return undefined
    let query = this.#queries.selectFrom('users').select('id')
    if (username !== undefined) query = query.where(sql`lower(username)`, '=', username)
    if (email !== undefined) query = query.where(sql`lower(email)`, '=', email)
    return (await query.execute()).map(({ id }) => id)
  }

  /** Lists a page, newest first. Looks up resources only for the entries on the page. */
  async listPage(page: { filter: AuditMatch; limit: number; offset: number }): Promise<AuditView[]> {
    const { rows } = await sql<AuditView>`
      with page as materialized (
        select entry.* from audit_logs entry where ${matches(page.filter)} order by entry.time desc, entry.id limit ${page.limit} offset ${page.offset})
      select page.*, case when person.id is null then null else json_build_object(
          'id', person.id, 'email', person.email, 'username', person.username, 'created_at', wire_time(person.created_at), 'status', person.status,
          'rbac_roles', person.rbac_roles, 'avatar_url', person.avatar_url) end as "user",
        case page.resource_type
          when 'template' then not exists (select from templates where id = page.resource_id and not deleted)
          when 'user' then not exists (select from users where id = page.resource_id and not deleted)
          when 'workspace' then not exists (select from workspaces where id = page.resource_id and not deleted)
          when 'workspace_build' then not exists (
            select from workspace_builds build join workspaces on workspaces.id = build.workspace_id
            where build.id = page.resource_id and not workspaces.deleted)
          else false
        end as is_deleted
      from page left join users person on person.id = page.user_id
      order by page.time desc, page.id`.execute(this.#queries)
    return rows
  }

  /**
   * Counts matches. Totals answer filters by type, action and day; filters by user or resource are
   * counted entry by entry.
   */
  async count(filter: AuditMatch): Promise<number> {
    const isOfKind = filter.resource_id === undefined && filter.user_ids === undefined
    const { rows } = await (
      isOfKind
        ? sql<{ count: number }>`select coalesce(sum(entries), 0)::bigint as count from audit_totals total where ${includes(filter)}`
        : sql<{ count: number }>`select count(*) as count from audit_logs entry where ${matches(filter)}`
    ).execute(this.#queries)
    return rows[0]?.count ?? 0
  }
}

/** The condition on totals for a filter by type, action and day. */
function includes({ resource_type, action, from, until }: AuditMatch): RawBuilder<boolean> {
  const parts: RawBuilder<boolean>[] = []
  if (resource_type !== undefined) parts.push(sql`total.resource_type = ${resource_type}`)
  if (action !== undefined) parts.push(sql`total.action = ${action}::audit_action`)
  if (from !== undefined) parts.push(sql`total.day >= ${from.slice(0, DAY_LENGTH)}::date`)
  if (until !== undefined) parts.push(sql`total.day <= ${until.slice(0, DAY_LENGTH)}::date`)
  return conjunction(parts)
}

function matches(filter: AuditMatch): RawBuilder<boolean> {
  const parts: RawBuilder<boolean>[] = []
  const { resource_type, resource_id, action, user_ids, from, until } = filter
  if (resource_type !== undefined) parts.push(sql`entry.resource_type = ${resource_type}`)
  if (resource_id !== undefined) parts.push(sql`entry.resource_id = ${resource_id}`)
  if (action !== undefined) parts.push(sql`entry.action = ${action}::audit_action`)
  // For one user, the index by user has the entries in the order of the page.
  if (user_ids?.length === 1) parts.push(sql`entry.user_id = ${user_ids[0]}`)
  else if (user_ids !== undefined) parts.push(sql`entry.user_id = any(${user_ids}::uuid[])`)
  if (from !== undefined) parts.push(sql`entry.time >= ${from}`)
  if (until !== undefined) parts.push(sql`entry.time <= ${until}`)
  return conjunction(parts)
}

function conjunction(parts: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  return parts.length === 0 ? sql`true` : sql`${sql.join(parts, sql` and `)}`
}
