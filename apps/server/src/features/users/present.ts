import type { Role, User } from '@berth/schema'
import { roleDisplayName } from '../../access/roles.ts'
import type { UserRow } from '../../database/rows.ts'

/** Returns a user as the wire shows it. */
export function presentUser(row: UserRow): User {
  const { id, username, email, created_at, last_seen_at, status, organization_ids, rbac_roles, avatar_url } = row
  return { id, username, email, created_at, last_seen_at, status, organization_ids, roles: rbac_roles.map(presentRole), avatar_url }
}

/** Returns a role as the wire shows it. */
export function presentRole(name: string): Role {
  return { name, display_name: roleDisplayName(name) }
}
