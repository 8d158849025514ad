import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { OrganizationParams } from './organizations.ts'
import { Role, UpdateRoles, UserParams } from './users.ts'
import { Timestamp, Uuid } from '../wire.ts'

export const AssignableRole = Type.Object(
  { ...Role.properties, assignable: Type.Boolean({ description: 'Whether the caller may assign and remove the role.' }) },
  { title: 'AssignableRoles', examples: [{ name: 'owner', display_name: 'Owner', assignable: true }] },
)
export type AssignableRole = Static<typeof AssignableRole>

export const OrganizationMember = Type.Object(
  {
    user_id: Uuid(),
    organization_id: Uuid(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    roles: Type.Array(Role, { description: 'Stored roles in the organization. The implied member role is not listed.' }),
  },
  { title: 'OrganizationMember' },
)
export type OrganizationMember = Static<typeof OrganizationMember>

export const roles = {
  listSite: endpoint({
    method: 'GET',
    path: '/users/roles',
    summary: 'List the site roles.',
    description: 'The field `assignable` tells whether the caller may give a role to other users.',
    access: { resource: 'assign_role', action: 'read', denied: 'forbidden' },
    status: 200,
    response: Type.Array(AssignableRole),
    failures: ['forbidden'],
  }),
  listOrganization: endpoint({
    method: 'GET',
    path: '/organizations/:organization/members/roles',
    summary: 'List the roles of an organization.',
    description: 'Members of the organization may list its roles. `assignable` tells whether the caller may give a role to other members.',
    access: { resource: 'assign_org_role', action: 'read', denied: 'forbidden' },
    params: OrganizationParams,
    status: 200,
    response: Type.Array(AssignableRole),
    failures: ['invalid_uuid', 'not_found', 'forbidden'],
  }),
  updateMember: endpoint({
    method: 'PUT',
    path: '/organizations/:organization/members/:user/roles',
    summary: 'Set the roles of a member of an organization.',
    description: 'You cannot change your own roles.',
    access: { resource: 'assign_org_role', action: 'create', denied: 'forbidden' },
    params: Type.Object({ ...OrganizationParams.properties, ...UserParams.properties }),
    body: UpdateRoles,
    status: 200,
    response: OrganizationMember,
    failures: ['invalid_uuid', 'invalid_user', 'not_found', 'forbidden', 'invalid_json', 'validation_failed', 'invalid_roles'],
  }),
}
