import type { Action, ResourceType } from '@berth/schema'

/** What a role allows: an action on a kind of object; `*` stands for every one, those that nobody has thought of included. */
export type Permission = readonly [resource: ResourceType | '*', action: Action | '*']

/** One built-in role. Where its permissions hold is what the three lists tell apart. */
export interface BuiltInRole {
  /** Empty for roles that everybody has by implication; these aren't offered for assigning. */
  readonly display_name: string
  /** An organization role is held in one organization, which its full name ends in: `organization-admin:<organization id>`. */
  readonly level: 'site' | 'organization'
  /** Everywhere. */
  readonly site: readonly Permission[]
  /** In the organization the role is held in. */
  readonly organization: readonly Permission[]
  /** On objects the holder owns. */
  readonly user: readonly Permission[]
  /** The roles its holder may give and take; organization roles only in the organization this one is held in, unless it's a site role. */
  readonly assigns: readonly string[]
}

const everyAction = (resource: ResourceType): Permission[] => [
  [resource, 'create'],
  [resource, 'read'],
  [resource, 'update'],
  [resource, 'delete'],
]

/** The built-in roles (Coder v2 API, v0.13.4). */
export const builtInRoles: ReadonlyMap<string, BuiltInRole> = new Map(
  Object.entries({
    owner: {
      display_name: 'Owner',
      level: 'site',
      site: [['*', '*']],
      organization: [],
      user: [],
      assigns: ['owner', 'auditor', 'member', 'template-admin', 'user-admin', 'organization-admin', 'organization-member'],
    },
    member: {
      display_name: '',
      level: 'site',
      site: [
        ['user', 'read'],
        ['assign_role', 'read'],
        ['provisioner_daemon', 'read'],
      ],
      organization: [],
      user: [['*', '*']],
      assigns: [],
    },
    auditor: {
      display_name: 'Auditor',
      level: 'site',
      site: [
        ['template', 'read'],
        ['audit_log', 'read'],
      ],
      organization: [],
      user: [],
      assigns: [],
    },
    'template-admin': {
      display_name: 'Template Admin',
      level: 'site',
      site: [...everyAction('template'), ...everyAction('file'), ['workspace', 'read'], ...everyAction('provisioner_daemon')],
      organization: [],
      user: [],
      assigns: [],
    },
    'user-admin': {
      display_name: 'User Admin',
      level: 'site',
      site: [...everyAction('assign_role'), ...everyAction('user'), ...everyAction('organization_member'), ...everyAction('group')],
      organization: [],
      user: [],
      assigns: ['member', 'organization-member'],
    },
    'organization-admin': {
      display_name: 'Organization Admin',
      level: 'organization',
      site: [],
      organization: [['*', '*']],
      user: [],
      assigns: ['organization-admin', 'organization-member'],
    },
    'organization-member': {
      display_name: '',
      level: 'organization',
      site: [],
      organization: [
        ['organization_member', 'read'],
        ['organization', 'read'],
        ['assign_org_role', 'read'],
        ['group', 'read'],
      ],
      user: [],
      assigns: [],
    },
  } satisfies Record<string, BuiltInRole>),
)

/** A role as someone holds it: a built-in role, and the organization it is held in if it is an organization role. */
export interface HeldRole {
  readonly name: string
  readonly organization_id?: string
  readonly role: BuiltInRole
}

/**
 * Finds the role of a full name, `owner` or `organization-admin:<organization id>`. A name that isn't built in, an organization role without
 * its organization and a site role with one find nothing.
 */
export function findRole(fullName: string): HeldRole | undefined {
  const [name = '', organizationId, ...rest] = fullName.split(':')
  const role = builtInRoles.get(name)
  if (role === undefined || rest.length > 0) return undefined
  if (role.level === 'site') return organizationId === undefined ? { name, role } : undefined
  return organizationId ? { name, organization_id: organizationId, role } : undefined
}

/** The full name of an organization role. */
export function organizationRole(name: 'organization-admin' | 'organization-member', organizationId: string): string {
  return `${name}:${organizationId}`
}

/** The text a role is shown with; empty for implied and unknown roles. */
export function roleDisplayName(fullName: string): string {
  return findRole(fullName)?.role.display_name ?? ''
}

/** Whether someone who holds these roles may give a role to someone, or take it away. Nobody may assign what isn't a role. */
export function mayAssign(heldFullNames: readonly string[], assignedFullName: string): boolean {
  const assigned = findRole(assignedFullName)
  if (assigned === undefined) return false
  return heldFullNames.some((fullName) => {
    const held = findRole(fullName)
    if (held === undefined || !held.role.assigns.includes(assigned.name)) return false
    return held.role.level === 'site' || held.organization_id === assigned.organization_id
  })
}

/** A role as it is offered for assigning. */
export interface AssignableRole {
  readonly name: string
  readonly display_name: string
  readonly assignable: boolean
}

/** The roles that can be offered, those of one organization or the site's, each with whether someone who holds these roles may assign it. */
export function assignableRoles(heldFullNames: readonly string[], organizationId?: string): AssignableRole[] {
  const level = organizationId === undefined ? 'site' : 'organization'
  return [...builtInRoles]
    .filter(([, role]) => role.level === level && role.display_name !== '')
    .map(([name, role]) => {
      const fullName = organizationId === undefined ? name : `${name}:${organizationId}`
      return { name: fullName, display_name: role.display_name, assignable: mayAssign(heldFullNames, fullName) }
    })
}
