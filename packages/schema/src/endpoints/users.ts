import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { maxPasswordBytes, minPasswordBytes } from '../rules/password.ts'
import { Choice, Line, List, LongLine, Pagination, Response, Timestamp, Uuid } from '../wire.ts'

export const Role = Type.Object({ name: Type.String(), display_name: Type.String() }, { title: 'Role' })
export type Role = Static<typeof Role>

export const User = Type.Object(
  {
    id: Uuid(),
    username: Type.String(),
    email: Type.String({ format: 'email' }),
    created_at: Timestamp(),
    last_seen_at: Timestamp({ description: 'The zero time until the user makes a request.' }),
    status: Choice(['active', 'suspended']),
    organization_ids: Type.Array(Uuid()),
    roles: Type.Array(Role, { description: 'Site roles. The implied member role is not listed.' }),
    avatar_url: Type.String(),
  },
  { title: 'User' },
)
export type User = Static<typeof User>

export const CreateFirstUserRequest = Type.Object(
  {
    email: Type.String({ rules: ['required', 'email'] }),
    username: Type.String({ rules: ['required', 'username'] }),
    password: LongLine({ rules: ['required'] }),
    trial: Type.Optional(Type.Boolean({ description: 'Accepted for compatibility and ignored: every feature is free.' })),
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
    password: LongLine({ rules: ['required'] }),
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
    old_password: Type.Optional(LongLine({ description: 'Not required from callers who may update any user.' })),
    password: LongLine({ rules: ['required'], description: `${minPasswordBytes} to ${maxPasswordBytes} bytes of UTF-8.` }),
  },
  { title: 'UpdateUserPasswordRequest', examples: [{ old_password: 'correct horse battery', password: 'staple of the horse' }] },
)
export type UpdateUserPasswordRequest = Static<typeof UpdateUserPasswordRequest>

export const UpdateRoles = Type.Object(
  {
    roles: List(Line(), {
      description: 'Full names of all the roles the user is to have. Implied roles may be left out.',
    }),
  },
  { title: 'UpdateRoles', examples: [{ roles: ['template-admin'] }] },
)
export type UpdateRoles = Static<typeof UpdateRoles>

export const UserRoles = Type.Object(
  {
    roles: Type.Array(Type.String(), { description: 'Site roles.' }),
    organization_roles: Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.Array(Type.String()), {
      description: 'Organization roles, by organization ID.',
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
    summary: 'Check whether the first user exists.',
    description: 'Answers 404 until the first user has been created.',
    access: 'anyone',
    status: 200,
    response: Response,
    failures: ['first_user_missing'],
  }),
  createFirst: endpoint({
    method: 'POST',
    path: '/users/first',
    summary: 'Create the first user, who becomes an owner.',
    description: 'Works once, on a new deployment, and also creates the first organization. Answers 409 when there is a user already.',
    access: 'anyone',
    body: CreateFirstUserRequest,
    status: 201,
    response: CreateFirstUserResponse,
    failures: ['invalid_json', 'validation_failed', 'first_user_exists', 'invalid_password', 'origin_forbidden'],
    ownPagesOnly: true,
  }),
  list: endpoint({
    method: 'GET',
    path: '/users',
    summary: 'List users.',
    description:
      'Oldest first, without deleted users. `count` is the number of matches on all pages. An unknown `after_id` gives an empty page.',
    access: { resource: 'user', action: 'read', filtered: true },
    query: Type.Object({
      q: Type.Optional(
        LongLine({
          description:
            'Search query: part of a username or an e-mail address, `status:active,suspended`, `role:owner`. Every user has the role `member`. Put a value with spaces in double quotes.',
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
    description:
      'The user becomes a member of the organization and can sign in with the password at once. Answers 409 if another user has the username or the e-mail address.',
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
    description: 'The path takes `me`, a username or a user ID. Every signed-in user may look up other users.',
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
      "Ends the user's sessions and tokens at once and frees the username and e-mail address. Refused while the user owns workspaces, and for the last owner of the deployment.",
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
    description:
      'Changes the username, and with it the addresses of workspace apps, which contain it: old links stop working. Answers 409 if another user has the name, whatever its capitals.',
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
    description: "The user's sessions and tokens stop working until the user is activated again. An owner must lose that role first.",
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
    description:
      'Lets a suspended user sign in again. Sessions and tokens that have not expired work again. Nothing changes for an active user.',
    access: { resource: 'user', action: 'delete' },
    params: UserParams,
    status: 200,
    response: User,
    failures: ['invalid_user', 'not_found'],
  }),
  updatePassword: endpoint({
    method: 'PUT',
    path: '/users/:user/password',
    summary: "Set a user's password.",
    description: "Ends all of the user's sessions and tokens, including the one that makes the request.",
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
    description: 'Returns the site roles and, for each organization, the roles in it. Users may read their own roles.',
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
    description: 'You cannot change your own roles, and the last owner of the deployment keeps that role.',
    access: { resource: 'user', action: 'read' },
    params: UserParams,
    body: UpdateRoles,
    status: 200,
    response: User,
    failures: ['invalid_user', 'not_found', 'invalid_json', 'validation_failed', 'forbidden', 'invalid_roles', 'last_owner'],
  }),
}
