import { Failure, api, type Access, type EndpointSpec, type ResourceType } from '@berth/schema'
import { may, type AccessObject } from '../access/may.ts'
import type { TemplateRow } from '../database/rows.ts'
import type { Actor } from '../http/caller.ts'
import type { FoundRows } from '../http/serve.ts'
import type { FoundByPath } from './found-by-path.ts'

type Found = FoundRows<FoundByPath>

/** What access to a kind of object depends on, from the rows that the path names. */
type ObjectOf = (found: Found, actor: Actor) => Omit<AccessObject, 'type'>

const inOrganization: ObjectOf = ({ organization }) => ({ organization_id: organization?.id ?? null })
const ofUser: ObjectOf = ({ user }) => ({ owner_id: user?.id ?? null })
const ofUserOrCaller: ObjectOf = ({ user }, actor) => ({ owner_id: user?.id ?? actor.user_id })
const ofWorkspace: ObjectOf = ({ workspace, organization, user }) => ({
  organization_id: workspace?.organization_id ?? organization?.id ?? null,
  owner_id: workspace?.owner_id ?? user?.id ?? null,
})

/** Kinds that are missing here depend on the caller's roles alone. */
const objectsOf: { readonly [Type in ResourceType]?: ObjectOf } = {
  workspace: ofWorkspace,
  workspace_execution: ofWorkspace,
  application_connect: ofWorkspace,
  template: ({ template, templateversion, organization }) =>
    // Only roles of the whole site reach a version without a template.
    template ?? { organization_id: templateversion === undefined ? (organization?.id ?? null) : null },
  file: ({ file }, actor) => ({ owner_id: file?.created_by ?? actor.user_id }),
  api_key: ofUserOrCaller,
  user_data: ofUser,
  group: ({ group, organization }) => ({ organization_id: group?.organization_id ?? organization?.id ?? null }),
  organization: inOrganization,
  organization_member: inOrganization,
  assign_org_role: inOrganization,
}

/**
 * Whether a caller has the permission that an endpoint requires. It applies to the resource that
 * the path names or, for a new one, to the organization or user that it will belong to.
 */
export function admits({ resource, action }: Exclude<Access, string>, found: Found, actor: Actor): boolean {
  // Changing a workspace's parameter values requires the same action on the workspace.
  const type = resource === 'template' && found.owner !== undefined && found.workspace !== undefined ? 'workspace' : resource
  return may(actor.permissions, action, { ...objectsOf[type]?.(found, actor), type })
}

/** Whether a caller may read a template or, without one, versions that have no template. */
export function mayReadTemplate(actor: Actor | undefined, template: TemplateRow | undefined): boolean {
  return actor !== undefined && may(actor.permissions, 'read', { ...template, type: 'template' })
}

/**
 * Throws `invalid_roles` for callers who change their own roles, whatever they may do and whatever
 * they send (Coder v2 API, v0.13.4, "roles").
 */
export function refuseOwnRoles(spec: EndpointSpec, { user }: Found, actor: Actor | undefined): void {
  if (actor === undefined || user?.id !== actor.user_id) return
  if (spec === api.users.updateRoles) throw new Failure('invalid_roles', { message: 'You cannot change your own roles.' })
  if (spec === api.roles.updateMember) throw new Failure('invalid_roles', { message: 'You cannot change your own organization roles.' })
}
