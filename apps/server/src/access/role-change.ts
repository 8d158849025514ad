import { may, type Actor } from './may.ts'
import { mayAssign } from './roles.ts'

/** The roles that a change adds and removes. */
export interface RoleChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/**
 * Compares stored roles with requested ones. The implied role counts as requested: it is added when
 * it isn't stored, and never removed (Coder v2 API, v0.13.4).
 */
export function roleChange(stored: readonly string[], requested: readonly string[], implied: string): RoleChange {
  const [before, after] = [new Set(stored), new Set([...requested, implied])]
  return {
    added: [...after].filter((name) => !before.has(name)),
    removed: [...before].filter((name) => !after.has(name)),
  }
}

/** Whether a caller may make a change to site roles or, given an organization, to its roles. */
export function mayChangeRoles(actor: Actor, { added, removed }: RoleChange, organizationId?: string): boolean {
  const object =
    organizationId === undefined ? { type: 'assign_role' as const } : { type: 'assign_org_role' as const, organization_id: organizationId }
  if (added.length > 0 && !may(actor, 'create', object)) return false
  if (removed.length > 0 && !may(actor, 'delete', object)) return false
  return [...added, ...removed].every((name) => mayAssign(actor.roles, name))
}
