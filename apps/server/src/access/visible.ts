import type { Action, ResourceType } from '@berth/schema'
import { allows, scopeAllows, type Actor } from './may.ts'

/**
 * Which rows of a kind a caller may act on, as a store turns it into a WHERE clause. A row matches `some` if any part matches.
 */
export type VisibleCondition =
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  | {
      readonly kind: 'some'
      /** All rows of these organizations. */
      readonly organizations: readonly string[]
      /** Rows the user owns; where the kind lies in organizations, only in these. Absent where owning doesn't help. */
      readonly own?: { readonly user_id: string; readonly organizations: readonly string[] | 'any' }
      readonly acl?: AccessListCondition
    }

/** Rows whose access list allows one of the actions. */
export interface AccessListCondition {
  /** The action asked for, and `*`. */
  readonly actions: readonly string[]
  /** The row's user list, under this id, has one of the actions; wherever the row lies. */
  readonly user_id: string
  /** The row lies in one of these organizations, and its group list has one of the actions under one of these groups or the row's organization. */
  readonly groups: readonly string[]
  readonly organizations: readonly string[]
}

/** What the rows of a kind have that access depends on. Kinds that aren't here have nothing of it. */
const SHAPES: Partial<Record<ResourceType, { readonly organization?: true; readonly owner?: true; readonly acl?: true }>> = {
  api_key: { owner: true },
  application_connect: { organization: true, owner: true },
  assign_org_role: { organization: true },
  file: { owner: true },
  group: { organization: true },
  organization: { organization: true },
  organization_member: { organization: true },
  template: { organization: true, acl: true },
  user_data: { owner: true },
  workspace: { organization: true, owner: true },
  workspace_execution: { organization: true, owner: true },
}

/** Describes the rows of a kind for which `may(actor, action, row)` is true, without looking at any of them. */
export function visibleCondition(actor: Actor, action: Action, type: ResourceType): VisibleCondition {
  if (!actor.hasKnownRoles || !scopeAllows(actor.scope, action, type)) return { kind: 'none' }
  if (allows(actor.site, action, type)) return { kind: 'all' }
  const shape = SHAPES[type] ?? {}
  const memberOf = [...actor.organizations.keys()]
  const organizations = shape.organization ? memberOf.filter((id) => allows(actor.organizations.get(id) ?? new Map(), action, type)) : []
  const ownOrganizations = shape.organization ? memberOf : 'any'
  const hasOwn = shape.owner === true && ownOrganizations.length > 0 && allows(actor.user, action, type)
  if (organizations.length === 0 && !hasOwn && !shape.acl) return { kind: 'none' }
  return {
    kind: 'some',
    organizations,
    ...(hasOwn && { own: { user_id: actor.user_id, organizations: ownOrganizations } }),
    ...(shape.acl && {
      acl: { actions: [action, '*'], user_id: actor.user_id, groups: [...actor.groups], organizations: memberOf },
    }),
  }
}
