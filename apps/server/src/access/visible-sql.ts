import { sql, type RawBuilder } from 'kysely'
import type { VisibleCondition } from './visible.ts'

/** The columns of a table that access depends on. */
export interface VisibleColumns {
  readonly organization: string
  readonly owner?: string
  readonly userAcl?: string
  readonly groupAcl?: string
}

/** Compiles what a caller may see into a condition for a WHERE clause. */
export function visibleSql(visible: VisibleCondition, columns: VisibleColumns): RawBuilder<boolean> {
  if (visible.kind === 'all') return sql`true`
  if (visible.kind === 'none') return sql`false`
  const organization = sql.ref(columns.organization)
  const parts: RawBuilder<boolean>[] = []
  if (visible.organizations.length > 0) parts.push(sql`${organization} = any(${visible.organizations}::uuid[])`)
  if (visible.own !== undefined && columns.owner !== undefined) {
    const { user_id, organizations } = visible.own
    const isOwn = sql<boolean>`${sql.ref(columns.owner)} = ${user_id}`
    parts.push(organizations === 'any' ? isOwn : sql`(${isOwn} and ${organization} = any(${organizations}::uuid[]))`)
  }
  const { acl } = visible
  if (acl !== undefined && columns.userAcl !== undefined && columns.groupAcl !== undefined) {
    parts.push(sql`${sql.ref(columns.userAcl)} -> ${acl.user_id}::text ?| ${acl.actions}::text[]`)
    if (acl.organizations.length > 0)
      parts.push(sql`(${organization} = any(${acl.organizations}::uuid[]) and exists (
        select from jsonb_each(${sql.ref(columns.groupAcl)}) entry
        where (entry.key = ${organization}::text or entry.key = any(${acl.groups}::text[])) and entry.value ?| ${acl.actions}::text[]))`)
  }
  return parts.length === 0 ? sql`false` : sql`(${sql.join(parts, sql` or `)})`
}
