import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { User } from './users.ts'
import { Choice, LongLine, Nullable, Pagination, Timestamp, Uuid } from '../wire.ts'

/** Actions that the audit log records. */
export const auditActions = ['create', 'write', 'delete', 'start', 'stop'] as const
export type AuditAction = (typeof auditActions)[number]

/** Resource types that an audit log search accepts (Coder v2 API, v0.13.4). */
export const searchableResourceTypes = [
  'organization',
  'template',
  'template_version',
  'user',
  'workspace',
  'workspace_build',
  'git_ssh_key',
  'api_key',
] as const

export const AuditDiffField = Type.Object(
  {
    old: Type.Optional(Type.Unknown()),
    new: Type.Optional(Type.Unknown()),
    secret: Type.Boolean({ description: 'Whether the field is secret. If so, both values are empty.' }),
  },
  { title: 'AuditDiffField' },
)
export type AuditDiffField = Static<typeof AuditDiffField>

export const AuditLog = Type.Object(
  {
    id: Uuid(),
    request_id: Uuid({ description: 'ID of the request, or of the provisioner job for changes a build makes.' }),
    time: Timestamp(),
    organization_id: Uuid({ description: 'The nil UUID when the resource belongs to no organization.' }),
    ip: Type.String({ description: 'IP address of the caller. Empty when unknown.' }),
    user_agent: Type.String(),
    resource_type: Type.String(),
    resource_id: Uuid(),
    resource_target: Type.String({ description: 'Display name of the resource.' }),
    resource_icon: Type.String(),
    action: Choice(auditActions),
    diff: Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), AuditDiffField, {
      description: 'Old and new value of each changed field. Empty when the request failed.',
    }),
    status_code: Type.Integer(),
    additional_fields: Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.Unknown()),
    description: Type.String({ description: 'What happened. Contains the placeholders `{user}` and `{target}`.' }),
    resource_link: Type.String({ format: 'uri-reference', description: 'Dashboard path of the resource. Empty when it has no page.' }),
    is_deleted: Type.Boolean({ description: 'Whether the resource has been deleted.' }),
    user: Nullable(User, { description: 'Who made the change. Null when the account no longer exists.' }),
  },
  { title: 'AuditLog' },
)
export type AuditLog = Static<typeof AuditLog>

export const AuditLogResponse = Type.Object(
  { audit_logs: Type.Array(AuditLog), count: Type.Integer({ description: 'Number of matches on all pages.' }) },
  { title: 'AuditLogResponse' },
)
export type AuditLogResponse = Static<typeof AuditLogResponse>

export const CreateTestAuditLogRequest = Type.Object(
  {
    action: Type.Optional(Choice(auditActions, { rules: ['oneof'], description: 'Default: write.' })),
    resource_type: Type.Optional(Choice(searchableResourceTypes, { rules: ['oneof'], description: 'Default: user.' })),
    resource_id: Type.Optional(Uuid({ description: 'Default: a random one.' })),
    time: Type.Optional(Timestamp({ description: 'Default: now.' })),
  },
  { title: 'CreateTestAuditLogRequest' },
)
export type CreateTestAuditLogRequest = Static<typeof CreateTestAuditLogRequest>

export const audit = {
  list: endpoint({
    method: 'GET',
    path: '/audit',
    summary: 'List audit log entries, newest first.',
    description:
      'Without a `limit`, the answer contains only the count. `q` accepts the keys `resource_type`, `resource_id`, `action`, `username`, `email`, `date_from` and `date_to`.',
    access: { resource: 'audit_log', action: 'read', denied: 'forbidden' },
    query: Type.Object({
      q: Type.Optional(LongLine({ description: 'Search query, for example `action:create date_from:2023-01-01`.' })),
      ...Pagination,
    }),
    status: 200,
    response: AuditLogResponse,
    failures: ['forbidden', 'invalid_query', 'invalid_search'],
    trailingSlash: true,
  }),
  generateTest: endpoint({
    method: 'POST',
    path: '/audit/testgenerate',
    summary: 'Add a test entry to the audit log.',
    description: 'The route only exists on servers that run echo jobs, which are for tests. Fields that are left out get default values.',
    access: { resource: 'audit_log', action: 'create', denied: 'forbidden' },
    body: CreateTestAuditLogRequest,
    status: 204,
    failures: ['route_not_found', 'forbidden', 'invalid_json', 'validation_failed'],
  }),
}
