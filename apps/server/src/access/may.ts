import type { Action, ResourceType } from '@berth/schema'
import { findRole, organizationRole, type HeldRole, type Permission } from './roles.ts'

/** What an API key may be used for. An action needs both the key's scope and its user's roles. */
export type KeyScope = 'all' | 'application_connect'

/** A caller as stored. {@link compileActor} adds the implied roles. */
export interface ActorFacts {
  readonly user_id: string
  /** The user's site roles. */
  readonly roles: readonly string[]
  /** The user's organizations, each with the membership's roles as full names. */
  readonly organization_roles: readonly { readonly organization_id: string; readonly roles: readonly string[] }[]
  /** IDs of the user's groups. */
  readonly groups: readonly string[]
  readonly scope: KeyScope
}

/** Object types with the actions allowed on each. `*` stands for every type or action. */
type Grants = ReadonlyMap<string, ReadonlySet<string>>

/** A caller, compiled so that an access check is a few lookups. */
export interface Actor {
  readonly user_id: string
  /** Full names of all roles, with the implied ones. */
  readonly roles: readonly string[]
  readonly groups: ReadonlySet<string>
  readonly scope: KeyScope
  /**
   * Whether all roles are known. A caller with an unknown role may do nothing, because nobody can
   * tell what the role means.
   */
  readonly hasKnownRoles: boolean
  readonly site: Grants
  /** What is allowed in each of the caller's organizations. Every organization has an entry. */
  readonly organizations: ReadonlyMap<string, Grants>
  /** What is allowed on the caller's own objects. */
  readonly user: Grants
}

/**
 * Actions on one object by user or group ID. A group with the ID of an organization stands for all
 * its members.
 */
export type AccessList = Readonly<Record<string, readonly string[]>>

/**
 * The fields of an object that access depends on. Absent, null and empty all mean that the object
 * has no such field.
 */
export interface AccessObject<Type extends string = ResourceType> {
  readonly type: Type
  readonly organization_id?: string | null
  readonly owner_id?: string | null
  readonly user_acl?: AccessList | null
  readonly group_acl?: AccessList | null
}

/** Compiles a stored caller. The result holds for as long as the stored facts do. */
export function compileActor({ user_id, roles, organization_roles, groups, scope }: ActorFacts): Actor {
  const fullNames = new Set([
    'member',
    ...roles,
    ...organization_roles.flatMap((membership) => [
      organizationRole('organization-member', membership.organization_id),
      ...membership.roles,
    ]),
  ])
  const found = [...fullNames].map(findRole)
  const held = found.filter((role) => role !== undefined)
  return {
    user_id,
    roles: [...fullNames],
    groups: new Set(groups),
    scope,
    hasKnownRoles: held.length === found.length,
    site: grantsOf(held.flatMap(({ role }) => role.site)),
    organizations: organizationGrants(held),
    user: grantsOf(held.flatMap(({ role }) => role.user)),
  }
}

function organizationGrants(held: readonly HeldRole[]): Map<string, Grants> {
  const permissions = new Map<string, Permission[]>()
  for (const { organization_id, role } of held) {
    if (organization_id === undefined) continue
    const known = permissions.get(organization_id)
    if (known === undefined) permissions.set(organization_id, [...role.organization])
    else known.push(...role.organization)
  }
  return new Map([...permissions].map(([id, list]) => [id, grantsOf(list)]))
}

function grantsOf(permissions: readonly Permission[]): Grants {
  const grants = new Map<string, Set<string>>()
  for (const [resource, action] of permissions) {
    const actions = grants.get(resource)
    if (actions === undefined) grants.set(resource, new Set([action]))
    else actions.add(action)
  }
  return grants
}

/**
 * Whether a caller may act on an object. The key's scope must allow the action, and so must one of
 * these: a site role, a role in the object's organization, ownership (in an organization the caller
 * still belongs to), or the object's access list.
 */
export function may(actor: Actor, action: Action, object: AccessObject): boolean {
  return mayNamed(actor, action, object)
}

/**
 * Like {@link may}, for actions and types that a client names. For unknown names, only a role's
 * wildcards allow anything.
 */
export function mayNamed(actor: Actor, action: string, object: AccessObject<string>): boolean {
  if (!actor.hasKnownRoles || !scopeAllows(actor.scope, action, object.type)) return false
  if (allows(actor.site, action, object.type)) return true
  const inOrganization = object.organization_id ? actor.organizations.get(object.organization_id) : undefined
  if (inOrganization !== undefined && allows(inOrganization, action, object.type)) return true
  const isWithinReach = !object.organization_id || inOrganization !== undefined
  if (isWithinReach && object.owner_id === actor.user_id && allows(actor.user, action, object.type)) return true
  if (object.user_acl && Object.hasOwn(object.user_acl, actor.user_id) && listed(object.user_acl[actor.user_id], action)) return true
  return inOrganization !== undefined && groupAllows(actor, action, object)
}

/** Whether a key's scope leaves room for an action on an object type. */
export function scopeAllows(scope: KeyScope, action: string, type: string): boolean {
  return scope === 'all' || (action === 'create' && type === 'application_connect')
}

/** Whether compiled permissions include an action on an object type. */
export function allows(grants: Grants, action: string, type: string): boolean {
  return holds(grants.get(type), action) || holds(grants.get('*'), action)
}

function holds(actions: ReadonlySet<string> | undefined, action: string): boolean {
  return actions !== undefined && (actions.has(action) || actions.has('*'))
}

function listed(actions: readonly string[] | undefined, action: string): boolean {
  return actions !== undefined && (actions.includes(action) || actions.includes('*'))
}

function groupAllows(actor: Actor, action: string, { group_acl, organization_id }: AccessObject<string>): boolean {
  if (!group_acl) return false
  for (const group of Object.keys(group_acl)) {
    if ((group === organization_id || actor.groups.has(group)) && listed(group_acl[group], action)) return true
  }
  return false
}
