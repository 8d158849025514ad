import type { Action, ResourceType } from '@berth/schema'

/**
 * What roles allow, as the API's reference prints it (Coder v2 API, v0.13.4). Written down
 * separately, to check the server's table against it.
 */
const ROLES: Readonly<Record<string, { readonly site?: string; readonly organization?: string; readonly own?: string }>> = {
  owner: { site: '*:*' },
  member: { site: 'user:read assign_role:read provisioner_daemon:read', own: '*:*' },
  auditor: { site: 'template:read audit_log:read' },
  'template-admin': { site: 'template:* file:* workspace:read provisioner_daemon:*' },
  'user-admin': { site: 'assign_role:* user:* organization_member:* group:*' },
  'organization-admin': { organization: '*:*' },
  'organization-member': { organization: 'organization_member:read organization:read assign_org_role:read group:read' },
}

/** Somebody who asks, with what decides on what they may. */
export interface Caller {
  readonly id: string
  readonly token: string
  readonly siteRoles: readonly string[]
  /** The one organization they are in. */
  readonly organization: string
  readonly organizationRoles: readonly string[]
  readonly isSuspended?: true
  /** The key opens applications and nothing else. */
  readonly isForApplications?: true
}

/** What is asked for. */
export interface Target {
  readonly type: ResourceType
  readonly organization?: string
  readonly owner?: string
  /** Everybody in the organization may read it. */
  readonly isShared?: boolean
}

/** Whether the rules let a caller do something to a target. */
export function isAllowed(caller: Caller, action: Action, { type, organization, owner, isShared }: Target): boolean {
  if (caller.isForApplications) return type === 'application_connect' && action === 'create'
  const grants = (roles: readonly string[], where: 'site' | 'organization' | 'own'): boolean =>
    roles.some((role) => (ROLES[role]?.[where] ?? '').split(' ').some((grant) => ['*:*', `${type}:*`, `${type}:${action}`].includes(grant)))
  const isInside = organization === caller.organization
  if (grants([...caller.siteRoles, 'member'], 'site')) return true
  if (isInside && grants([...caller.organizationRoles, 'organization-member'], 'organization')) return true
  if (owner === caller.id && (organization === undefined || isInside) && grants(['member'], 'own')) return true
  return isInside && isShared === true && action === 'read'
}
