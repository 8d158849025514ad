import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from './endpoint.ts'
import { Choice, Pagination, Response, Timestamp, Uuid } from './wire.ts'

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
    failures: ['invalid_json', 'validation_failed', 'first_user_exists'],
  }),
  list: endpoint({
    method: 'GET',
    path: '/users',
    summary: 'List users.',
    access: { resource: 'user', action: 'read', filtered: true },
    query: Type.Object({ ...Pagination }),
    status: 200,
    response: GetUsersResponse,
    failures: ['invalid_query'],
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
    failures: ['forbidden', 'invalid_json', 'validation_failed', 'not_found', 'user_exists', 'organization_not_found'],
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
}
