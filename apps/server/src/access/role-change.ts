import { may, type Actor } from './may.ts'
import { mayAssign } from './roles.ts'

/** What setting someone's roles gives and takes. */
export interface RoleChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/**
 * The difference between the roles someone has stored and the ones they are to have. The role that everybody has by implication counts as asked for,
 * so that it is given where it is not stored, and never taken (Coder v2 API, v0.13.4).
 */
export function roleChange(stored: readonly string[], requested: readonly string[], implied: string): RoleChange {
  const [before, after] = [new Set(stored), new Set([...requested, implied])]
  return {
    added: [...after].filter((name) => !before.has(name)),
    removed: [...before].filter((name) => !after.has(name)),
  }
}

/** Whether a caller may change roles so: site roles, or with an organization its roles. */
export function mayChangeRoles(actor: Actor, { added, removed }: RoleChange, organizationId?: string): boolean {
  const object =
    organizationId === undefined ? { type: 'assign_role' as const } : { type: 'assign_org_role' as const, organization_id: organizationId }
  if (added.length > 0 && !may(actor, 'create', object)) return false
  if (removed.length > 0 && !may(actor, 'delete', object)) return false
  return [...added, ...removed].every((name) => mayAssign(actor.roles, name))
}
