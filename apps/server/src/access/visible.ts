import type { Action, ResourceType } from '@berth/schema'
import { allows, scopeAllows, type Actor } from './may.ts'

/**
 * The rows of one type that a caller may act on. Stores turn it into a WHERE clause. A row matches
 * `some` when any part matches.
 */
export type VisibleCondition =
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  | {
      readonly kind: 'some'
      /** All rows of these organizations. */
      readonly organizations: readonly string[]
      /**
       * Rows that the user owns, in these organizations if the type has organizations. Absent when
       * ownership grants nothing.
       */
      readonly own?: { readonly user_id: string; readonly organizations: readonly string[] | 'any' }
      readonly acl?: AccessListCondition
    }

/** Rows whose access list allows one of the actions. */
export interface AccessListCondition {
  /** The requested action and `*`. */
  readonly actions: readonly string[]
  /**
   * The row's user list has one of the actions under this ID, in whatever organization the row is.
   */
  readonly user_id: string
  /**
   * The row is in one of these organizations, and its group list has one of the actions under one
   * of these groups or under the row's organization.
   */
  readonly groups: readonly string[]
  readonly organizations: readonly string[]
}

/** The fields that access to each type depends on. Missing types have none. */
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

/**
 * Describes the rows of a type for which `may(actor, action, row)` is true, without reading any.
 */
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
