import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'

const AnyKey = Type.String({ pattern: '^[\\s\\S]*$' })

export const AuthorizationObject = Type.Object(
  {
    resource_type: Type.String({ description: 'Kind of object, as in `workspace`.' }),
    owner_id: Type.Optional(Type.String({ description: 'Owner of the object; `me` is the caller.' })),
    organization_id: Type.Optional(Type.String({ description: 'Organization that the object is in.' })),
    resource_id: Type.Optional(
      Type.String({
        description:
          'A workspace, workspace_execution, template, user or group that exists, whose own owner and organization count. At most 10 checks may name one.',
      }),
    ),
  },
  { title: 'AuthorizationObject' },
)
export type AuthorizationObject = Static<typeof AuthorizationObject>

export const AuthorizationCheck = Type.Object(
  { object: AuthorizationObject, action: Type.String({ description: '`create`, `read`, `update` or `delete`.' }) },
  { title: 'AuthorizationCheck' },
)
export type AuthorizationCheck = Static<typeof AuthorizationCheck>

export const AuthorizationRequest = Type.Object(
  { checks: Type.Record(AnyKey, AuthorizationCheck, { description: 'What is asked, under names of the caller.' }) },
  {
    title: 'AuthorizationRequest',
    examples: [{ checks: { readAll: { object: { resource_type: 'workspace', owner_id: 'me' }, action: 'read' } } }],
  },
)
export type AuthorizationRequest = Static<typeof AuthorizationRequest>

export const AuthorizationResponse = Type.Record(AnyKey, Type.Boolean(), {
  title: 'AuthorizationResponse',
  description: 'Whether the caller may, under the names of the request.',
  examples: [{ readAll: true }],
})
export type AuthorizationResponse = Static<typeof AuthorizationResponse>

export const authorization = {
  check: endpoint({
    method: 'POST',
    path: '/authcheck',
    summary: 'Tell what the caller may do.',
    description: 'Of kinds and actions that nobody knows, only roles that allow everything allow anything.',
    access: 'signed_in',
    body: AuthorizationRequest,
    status: 200,
    response: AuthorizationResponse,
    failures: ['invalid_json', 'validation_failed', 'invalid_authorization_check'],
  }),
}
