import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { UserParams } from './users.ts'
import { Timestamp, Uuid } from '../wire.ts'

export const Organization = Type.Object(
  { id: Uuid(), name: Type.String(), created_at: Timestamp(), updated_at: Timestamp() },
  { title: 'Organization' },
)
export type Organization = Static<typeof Organization>

export const CreateOrganizationRequest = Type.Object(
  { name: Type.String({ rules: ['required', 'username'] }) },
  { title: 'CreateOrganizationRequest' },
)
export type CreateOrganizationRequest = Static<typeof CreateOrganizationRequest>

export const OrganizationParams = Type.Object({ organization: Uuid({ description: 'Organization ID.' }) })

export const organizations = {
  create: endpoint({
    method: 'POST',
    path: '/organizations',
    summary: 'Create an organization and become its first member.',
    description: 'Names of organizations are unique in the deployment: a name in use is 409.',
    access: { resource: 'organization', action: 'create', denied: 'forbidden' },
    body: CreateOrganizationRequest,
    status: 201,
    response: Organization,
    failures: ['forbidden', 'invalid_json', 'validation_failed', 'name_taken'],
    trailingSlash: true,
  }),
  get: endpoint({
    method: 'GET',
    path: '/organizations/:organization',
    summary: 'Get an organization.',
    description: 'Members of an organization may read it.',
    access: { resource: 'organization', action: 'read' },
    params: OrganizationParams,
    status: 200,
    response: Organization,
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  listOfUser: endpoint({
    method: 'GET',
    path: '/users/:user/organizations',
    summary: 'List the organizations of a user.',
    description: 'Use `me` for your own organizations.',
    access: { resource: 'organization', action: 'read', filtered: true },
    params: UserParams,
    status: 200,
    response: Type.Array(Organization),
    failures: ['invalid_user'],
    trailingSlash: true,
  }),
  getOfUserByName: endpoint({
    method: 'GET',
    path: '/users/:user/organizations/:organizationname',
    summary: 'Get an organization by name.',
    description: 'Returns the same document as the request by ID.',
    access: { resource: 'organization', action: 'read' },
    params: Type.Object({ ...UserParams.properties, organizationname: Type.String() }),
    status: 200,
    response: Organization,
    failures: ['invalid_user', 'not_found'],
  }),
}
