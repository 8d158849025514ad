import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Line, MapOf } from '../wire.ts'

const AnyKey = Type.String({ pattern: '^[\\s\\S]*$' })

export const AuthorizationObject = Type.Object(
  {
    resource_type: Line({ description: 'Resource type, for example `workspace`.' }),
    owner_id: Type.Optional(Line({ description: 'ID of the owner, or `me` for the caller.' })),
    organization_id: Type.Optional(Line({ description: 'ID of the organization the object belongs to.' })),
    resource_id: Type.Optional(
      Line({
        description:
          'ID of an existing workspace, workspace_execution, template, user or group. The check then uses its stored owner and organization. The number of such checks in one request is limited.',
      }),
    ),
  },
  { title: 'AuthorizationObject' },
)
export type AuthorizationObject = Static<typeof AuthorizationObject>

export const AuthorizationCheck = Type.Object(
  { object: AuthorizationObject, action: Line({ description: '`create`, `read`, `update` or `delete`.' }) },
  { title: 'AuthorizationCheck' },
)
export type AuthorizationCheck = Static<typeof AuthorizationCheck>

export const AuthorizationRequest = Type.Object(
  { checks: MapOf(AuthorizationCheck, { description: 'The checks, by a name the caller chooses for each.' }) },
  {
    title: 'AuthorizationRequest',
    examples: [{ checks: { readAll: { object: { resource_type: 'workspace', owner_id: 'me' }, action: 'read' } } }],
  },
)
export type AuthorizationRequest = Static<typeof AuthorizationRequest>

export const AuthorizationResponse = Type.Record(AnyKey, Type.Boolean(), {
  title: 'AuthorizationResponse',
  description: 'The result of each check, by the name it has in the request.',
  examples: [{ readAll: true }],
})
export type AuthorizationResponse = Static<typeof AuthorizationResponse>

export const authorization = {
  check: endpoint({
    method: 'POST',
    path: '/authcheck',
    summary: 'Check what the caller is allowed to do.',
    description: 'Only roles that allow everything allow an unknown resource type or action.',
    access: 'signed_in',
    body: AuthorizationRequest,
    status: 200,
    response: AuthorizationResponse,
    failures: ['invalid_json', 'validation_failed', 'invalid_authorization_check'],
  }),
}
