import type { Action, ResourceType } from '@berth/schema'

/**
 * An action that a role allows on an object type. `*` stands for every one, even those added later.
 */
export type Permission = readonly [resource: ResourceType | '*', action: Action | '*']

/** A built-in role. Its three lists say where its permissions apply. */
export interface BuiltInRole {
  /** Empty for implied roles, which can't be assigned. */
  readonly display_name: string
  /**
   * The full name of an organization role ends in the organization's ID:
   * `organization-admin:<organization ID>`.
   */
  readonly level: 'site' | 'organization'
  /** Permissions everywhere. */
  readonly site: readonly Permission[]
  /** Permissions in the organization that the role is held in. */
  readonly organization: readonly Permission[]
  /** Permissions on the holder's own objects. */
  readonly user: readonly Permission[]
  /**
   * The roles that its holder may add and remove. An organization role assigns only roles of its
   * own organization.
   */
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

/** A role that someone holds, with the organization of an organization role. */
export interface HeldRole {
  readonly name: string
  readonly organization_id?: string
  readonly role: BuiltInRole
}

/**
 * Finds the role with a full name: `owner` or `organization-admin:<organization ID>`. Returns
 * undefined for unknown names, organization roles without an organization, and site roles with one.
 */
export function findRole(fullName: string): HeldRole | undefined {
  const [name = '', organizationId, ...rest] = fullName.split(':')
  const role = builtInRoles.get(name)
  if (role === undefined || rest.length > 0) return undefined
  if (role.level === 'site') return organizationId === undefined ? { name, role } : undefined
  return organizationId ? { name, organization_id: organizationId, role } : undefined
}

/** Returns the full name of an organization role. */
export function organizationRole(name: 'organization-admin' | 'organization-member', organizationId: string): string {
  return `${name}:${organizationId}`
}

/** Returns a role's display name; empty for implied and unknown roles. */
export function roleDisplayName(fullName: string): string {
  return findRole(fullName)?.role.display_name ?? ''
}

/**
 * Whether the holder of some roles may add or remove another role. Nobody may assign an unknown
 * role.
 */
export function mayAssign(heldFullNames: readonly string[], assignedFullName: string): boolean {
  const assigned = findRole(assignedFullName)
  if (assigned === undefined) return false
  return heldFullNames.some((fullName) => {
    const held = findRole(fullName)
    if (held === undefined || !held.role.assigns.includes(assigned.name)) return false
    return held.role.level === 'site' || held.organization_id === assigned.organization_id
  })
}

/** A role in a list of roles to assign. */
export interface AssignableRole {
  readonly name: string
  readonly display_name: string
  readonly assignable: boolean
}

/**
 * Returns the roles that can be assigned, of an organization or of the site, each with whether the
 * holder of the given roles may assign it.
 */
export function assignableRoles(heldFullNames: readonly string[], organizationId?: string): AssignableRole[] {
  const level = organizationId === undefined ? 'site' : 'organization'
  return [...builtInRoles]
    .filter(([, role]) => role.level === level && role.display_name !== '')
    .map(([name, role]) => {
      const fullName = organizationId === undefined ? name : `${name}:${organizationId}`
      return { name: fullName, display_name: role.display_name, assignable: mayAssign(heldFullNames, fullName) }
    })
}
