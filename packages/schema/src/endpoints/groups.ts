import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { OrganizationParams } from './organizations.ts'
import { User } from './users.ts'
import { maxLongListItems } from '../rules/field-limits.ts'
import { Line, List, LongLine, Response, Uuid } from '../wire.ts'

export const Group = Type.Object(
  {
    id: Uuid({ description: "The group of all members of an organization has the organization's ID." }),
    name: Type.String(),
    organization_id: Uuid(),
    members: Type.Array(User, { description: 'Without suspended users.' }),
    avatar_url: Type.String(),
    quota_allowance: Type.Integer({ description: 'Daily workspace credits for each member. Allowances of several groups add up.' }),
  },
  { title: 'Group' },
)
export type Group = Static<typeof Group>

const QuotaAllowance = Type.Integer({ minimum: 0, maximum: 2_147_483_647 })

export const CreateGroupRequest = Type.Object(
  {
    name: Line({ rules: ['required'] }),
    avatar_url: Type.Optional(LongLine()),
    quota_allowance: Type.Optional(QuotaAllowance),
  },
  { title: 'CreateGroupRequest', examples: [{ name: 'frontend', quota_allowance: 10 }] },
)
export type CreateGroupRequest = Static<typeof CreateGroupRequest>

export const PatchGroupRequest = Type.Object(
  {
    add_users: Type.Optional(
      List(Line(), {
        maxItems: maxLongListItems,
        description: 'User IDs to add, each once. They must be members of the organization, and not yet of the group.',
      }),
    ),
    remove_users: Type.Optional(List(Line(), { maxItems: maxLongListItems, description: 'User IDs to remove.' })),
    name: Type.Optional(Line({ description: 'New name. Empty: unchanged.' })),
    avatar_url: Type.Optional(Type.Union([LongLine(), Type.Null()])),
    quota_allowance: Type.Optional(Type.Union([QuotaAllowance, Type.Null()])),
  },
  { title: 'PatchGroupRequest', examples: [{ name: 'frontend', quota_allowance: 20 }] },
)
export type PatchGroupRequest = Static<typeof PatchGroupRequest>

export const GroupParams = Type.Object({ group: Uuid({ description: 'Group ID.' }) })

export const groups = {
  list: endpoint({
    method: 'GET',
    path: '/organizations/:organization/groups',
    summary: 'List the groups of an organization, except for the group of everybody in it.',
    description: 'Members of the organization may list its groups.',
    access: { resource: 'group', action: 'read', filtered: true },
    params: OrganizationParams,
    status: 200,
    response: Type.Array(Group),
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  create: endpoint({
    method: 'POST',
    path: '/organizations/:organization/groups',
    summary: 'Create a group.',
    description: 'The group starts without members. A name in use in the organization is 409.',
    access: { resource: 'group', action: 'create' },
    params: OrganizationParams,
    body: CreateGroupRequest,
    status: 201,
    response: Group,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed', 'invalid_group', 'group_exists'],
    trailingSlash: true,
  }),
  getByName: endpoint({
    method: 'GET',
    path: '/organizations/:organization/groups/:groupname',
    summary: 'Get a group by name.',
    description: 'Returns the same document as the request by ID.',
    access: { resource: 'group', action: 'read' },
    params: Type.Object({ ...OrganizationParams.properties, groupname: Type.String() }),
    status: 200,
    response: Group,
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  get: endpoint({
    method: 'GET',
    path: '/groups/:group',
    summary: 'Get a group.',
    description: 'Includes the members of the group.',
    access: { resource: 'group', action: 'read' },
    params: GroupParams,
    status: 200,
    response: Group,
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  update: endpoint({
    method: 'PATCH',
    path: '/groups/:group',
    summary: 'Rename a group, change its allowance, add or remove members.',
    description:
      'Fields that are left out stay as they are. Users to add must be members of the organization. Answers 412 if a user to add is a member already, or a user to remove is not.',
    access: { resource: 'group', action: 'update' },
    params: GroupParams,
    body: PatchGroupRequest,
    status: 200,
    response: Group,
    failures: [
      'invalid_uuid',
      'not_found',
      'invalid_json',
      'validation_failed',
      'invalid_group',
      'group_exists',
      'group_member_exists',
      'group_member_missing',
    ],
    trailingSlash: true,
  }),
  delete: endpoint({
    method: 'DELETE',
    path: '/groups/:group',
    summary: 'Delete a group. Its members keep their accounts.',
    description: 'Members lose the templates and credits that they have through the group only.',
    access: { resource: 'group', action: 'delete' },
    params: GroupParams,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'invalid_group'],
    trailingSlash: true,
  }),
}
