import type { Action, ResourceType } from '@berth/schema'
import { findRole, organizationRole, type HeldRole, type Permission } from './roles.ts'

/** What an API key may be used for. Both the key's scope and its user's roles must allow an action. */
export type KeyScope = 'all' | 'application_connect'

/** What is known of a caller, as it is stored: implied roles are added by {@link compileActor}. */
export interface ActorFacts {
  readonly user_id: string
  /** The user's site roles. */
  readonly roles: readonly string[]
  /** One entry per organization the user belongs to, with the roles of the membership as full names. */
  readonly organization_roles: readonly { readonly organization_id: string; readonly roles: readonly string[] }[]
  /** The groups the user is a member of. */
  readonly groups: readonly string[]
  readonly scope: KeyScope
}

/** Kinds of objects, each with the actions allowed on it; `*` on either side stands for every one. */
type Grants = ReadonlyMap<string, ReadonlySet<string>>

/** A caller, compiled so that a question about them is a few look-ups. */
export interface Actor {
  readonly user_id: string
  /** Full names of all roles, implied ones included. */
  readonly roles: readonly string[]
  readonly groups: ReadonlySet<string>
  readonly scope: KeyScope
  /** Whether all roles are known. Who holds an unknown role may do nothing: what it should forbid or allow can't be told. */
  readonly hasKnownRoles: boolean
  readonly site: Grants
  /** What is allowed in each organization the caller belongs to. Every one of them has an entry. */
  readonly organizations: ReadonlyMap<string, Grants>
  /** What is allowed on the caller's own objects. */
  readonly user: Grants
}

/** Who may do what to an object, by the id of a user or group. The group with the id of an organization is everyone in it. */
export type AccessList = Readonly<Record<string, readonly string[]>>

/** What access depends on of an object. Absent, null and empty mean that the object has no such thing. */
export interface AccessObject<Type extends string = ResourceType> {
  readonly type: Type
  readonly organization_id?: string | null
  readonly owner_id?: string | null
  readonly user_acl?: AccessList | null
  readonly group_acl?: AccessList | null
}

/** Compiles what is known of a caller; once per request, or kept as long as the facts hold. */
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
 * Whether a caller may do something to an object. It takes a role or the object's access list to allow it, and the key's scope as well:
 * a role everywhere, a role in the object's organization, or being its owner (in an organization the caller still belongs to).
 */
export function may(actor: Actor, action: Action, object: AccessObject): boolean {
  return mayNamed(actor, action, object)
}

/** As {@link may}, for actions and types named by a client: of names nobody knows, only the wildcards of a role allow anything. */
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

/** Whether the scope of a key leaves room for an action on a kind of object. */
export function scopeAllows(scope: KeyScope, action: string, type: string): boolean {
  return scope === 'all' || (action === 'create' && type === 'application_connect')
}

/** Whether compiled permissions hold an action on a kind of object. */
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
