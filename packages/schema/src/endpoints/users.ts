import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Choice, Pagination, Response, Timestamp, Uuid } from '../wire.ts'

export const Role = Type.Object({ name: Type.String(), display_name: Type.String() }, { title: 'Role' })
export type Role = Static<typeof Role>

export const User = Type.Object(
  {
    id: Uuid(),
    username: Type.String(),
    email: Type.String(),
    created_at: Timestamp(),
    last_seen_at: Timestamp({ description: 'The zero time until the first use.' }),
    status: Choice(['active', 'suspended']),
    organization_ids: Type.Array(Uuid()),
    roles: Type.Array(Role, { description: 'Site roles; the implied member role is not listed.' }),
    avatar_url: Type.String(),
  },
  { title: 'User' },
)
export type User = Static<typeof User>

export const CreateFirstUserRequest = Type.Object(
  {
    email: Type.String({ rules: ['required', 'email'] }),
    username: Type.String({ rules: ['required', 'username'] }),
    password: Type.String({ rules: ['required'] }),
    trial: Type.Optional(Type.Boolean({ description: 'Accepted for compatibility; there is nothing to try, everything is free.' })),
  },
  { title: 'CreateFirstUserRequest', examples: [{ email: 'ada@example.com', username: 'ada', password: 'correct horse battery' }] },
)
export type CreateFirstUserRequest = Static<typeof CreateFirstUserRequest>

export const CreateFirstUserResponse = Type.Object({ user_id: Uuid(), organization_id: Uuid() }, { title: 'CreateFirstUserResponse' })
export type CreateFirstUserResponse = Static<typeof CreateFirstUserResponse>

export const CreateUserRequest = Type.Object(
  {
    email: Type.String({ rules: ['required', 'email'] }),
    username: Type.String({ rules: ['required', 'username'] }),
    password: Type.String({ rules: ['required'] }),
    organization_id: Uuid({ rules: ['required'] }),
  },
  { title: 'CreateUserRequest' },
)
export type CreateUserRequest = Static<typeof CreateUserRequest>

export const GetUsersResponse = Type.Object({ users: Type.Array(User), count: Type.Integer() }, { title: 'GetUsersResponse' })
export type GetUsersResponse = Static<typeof GetUsersResponse>

export const UpdateUserProfileRequest = Type.Object(
  { username: Type.String({ rules: ['required', 'username'] }) },
  { title: 'UpdateUserProfileRequest' },
)
export type UpdateUserProfileRequest = Static<typeof UpdateUserProfileRequest>

export const UpdateUserPasswordRequest = Type.Object(
  {
    old_password: Type.Optional(Type.String({ description: 'May be left out by those who may update any user.' })),
    password: Type.String({ rules: ['required'], description: '8 to 64 bytes.' }),
  },
  { title: 'UpdateUserPasswordRequest', examples: [{ old_password: 'correct horse battery', password: 'staple of the horse' }] },
)
export type UpdateUserPasswordRequest = Static<typeof UpdateUserPasswordRequest>

export const UpdateRoles = Type.Object(
  {
    roles: Type.Array(Type.String(), {
      description: 'All roles that the user is to have, by full name; the implied ones need not be named.',
    }),
  },
  { title: 'UpdateRoles', examples: [{ roles: ['template-admin'] }] },
)
export type UpdateRoles = Static<typeof UpdateRoles>

export const UserRoles = Type.Object(
  {
    roles: Type.Array(Type.String(), { description: 'Site roles.' }),
    organization_roles: Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.Array(Type.String()), {
      description: 'Roles of each membership, by organization ID.',
    }),
  },
  {
    title: 'UserRoles',
    examples: [
      {
        roles: ['owner'],
        organization_roles: { '7c60d51f-b44e-4682-87d6-449835ea4de6': ['organization-member:7c60d51f-b44e-4682-87d6-449835ea4de6'] },
      },
    ],
  },
)
export type UserRoles = Static<typeof UserRoles>

export const UserParams = Type.Object({ user: Type.String({ description: '`me`, a username or a user ID.' }) })

export const users = {
  hasFirst: endpoint({
    method: 'GET',
    path: '/users/first',
    summary: 'Tell whether the first user exists.',
    description: '404 until somebody has set the deployment up.',
    access: 'anyone',
    status: 200,
    response: Response,
    failures: ['first_user_missing'],
  }),
  createFirst: endpoint({
    method: 'POST',
    path: '/users/first',
    summary: 'Create the first user, who becomes an owner.',
    access: 'anyone',
    body: CreateFirstUserRequest,
    status: 201,
    response: CreateFirstUserResponse,
    failures: ['invalid_json', 'validation_failed', 'first_user_exists', 'invalid_password'],
  }),
  list: endpoint({
    method: 'GET',
    path: '/users',
    summary: 'List users.',
    description:
      'Deleted users are left out; the oldest come first. `count` is the number of matches over all pages. An `after_id` that nobody has is followed by nobody.',
    access: { resource: 'user', action: 'read', filtered: true },
    query: Type.Object({
      q: Type.Optional(
        Type.String({
          description:
            'Words that are part of a username or an e-mail address, `status:active,suspended` and `role:owner`, where everybody has the role `member`. A value with spaces goes in double quotes.',
          examples: ['ada status:active'],
        }),
      ),
      ...Pagination,
    }),
    status: 200,
    response: GetUsersResponse,
    failures: ['invalid_query', 'invalid_user_search'],
    trailingSlash: true,
  }),
  create: endpoint({
    method: 'POST',
    path: '/users',
    summary: 'Create a user in an organization.',
    access: { resource: 'user', action: 'create', denied: 'forbidden' },
    body: CreateUserRequest,
    status: 201,
    response: User,
    failures: ['forbidden', 'invalid_json', 'validation_failed', 'not_found', 'user_exists', 'organization_not_found', 'invalid_password'],
    trailingSlash: true,
  }),
  get: endpoint({
    method: 'GET',
    path: '/users/:user',
    summary: 'Get a user.',
    access: { resource: 'user', action: 'read' },
    params: UserParams,
    status: 200,
    response: User,
    failures: ['invalid_user', 'not_found'],
    trailingSlash: true,
  }),
  delete: endpoint({
    method: 'DELETE',
    path: '/users/:user',
    summary: 'Delete a user.',
    description:
      'Sessions and tokens of the user end at once; name and address are free again. Not possible while the user owns workspaces, and never for the last owner of the deployment.',
    access: { resource: 'user', action: 'delete', denied: 'forbidden' },
    params: UserParams,
    status: 200,
    response: Response,
    failures: ['invalid_user', 'forbidden', 'last_owner', 'user_owns_workspaces'],
    trailingSlash: true,
  }),
  updateProfile: endpoint({
    method: 'PUT',
    path: '/users/:user/profile',
    summary: 'Rename a user.',
    access: { resource: 'user', action: 'update' },
    params: UserParams,
    body: UpdateUserProfileRequest,
    status: 200,
    response: User,
    failures: ['invalid_user', 'not_found', 'invalid_json', 'validation_failed', 'name_taken'],
  }),
  suspend: endpoint({
    method: 'PUT',
    path: '/users/:user/status/suspend',
    summary: 'Suspend a user.',
    description: 'Sessions and tokens stop working until the user is activated again. Owners have to lose the role first.',
    access: { resource: 'user', action: 'delete' },
    params: UserParams,
    status: 200,
    response: User,
    failures: ['invalid_user', 'not_found', 'invalid_status_change'],
  }),
  activate: endpoint({
    method: 'PUT',
    path: '/users/:user/status/activate',
    summary: 'Activate a user.',
    access: { resource: 'user', action: 'delete' },
    params: UserParams,
    status: 200,
    response: User,
    failures: ['invalid_user', 'not_found'],
  }),
  updatePassword: endpoint({
    method: 'PUT',
    path: '/users/:user/password',
    summary: 'Set the password of a user.',
    description: 'Ends every session and token of the user, the one that makes the request too if it is theirs.',
    access: { resource: 'user_data', action: 'update' },
    params: UserParams,
    body: UpdateUserPasswordRequest,
    status: 204,
    failures: ['invalid_user', 'not_found', 'invalid_json', 'validation_failed', 'invalid_password', 'forbidden'],
  }),
  getRoles: endpoint({
    method: 'GET',
    path: '/users/:user/roles',
    summary: 'Get the roles of a user.',
    access: { resource: 'user_data', action: 'read' },
    params: UserParams,
    status: 200,
    response: UserRoles,
    failures: ['invalid_user', 'not_found'],
  }),
  updateRoles: endpoint({
    method: 'PUT',
    path: '/users/:user/roles',
    summary: 'Set the site roles of a user.',
    description: 'Nobody changes their own roles, and the last owner of the deployment keeps the role.',
    access: { resource: 'user', action: 'read' },
    params: UserParams,
    body: UpdateRoles,
    status: 200,
    response: User,
    failures: ['invalid_user', 'not_found', 'invalid_json', 'validation_failed', 'forbidden', 'invalid_roles', 'last_owner'],
  }),
}
