import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { User } from './users.ts'
import { Choice, Nullable, Pagination, Timestamp, Uuid } from '../wire.ts'

/** What was done to a resource. */
export const auditActions = ['create', 'write', 'delete', 'start', 'stop'] as const
export type AuditAction = (typeof auditActions)[number]

/** Kinds of resources that a search of the audit log knows (Coder v2 API, v0.13.4). */
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
    secret: Type.Boolean({ description: 'Whether the value is hidden; both sides are empty then.' }),
  },
  { title: 'AuditDiffField' },
)
export type AuditDiffField = Static<typeof AuditDiffField>

export const AuditLog = Type.Object(
  {
    id: Uuid(),
    request_id: Uuid({ description: 'The request; of what a build brought about, the job.' }),
    time: Timestamp(),
    organization_id: Uuid({ description: 'The nil UUID where there is none.' }),
    ip: Type.String({ description: 'Empty if unknown.' }),
    user_agent: Type.String(),
    resource_type: Type.String(),
    resource_id: Uuid(),
    resource_target: Type.String({ description: 'What people call the resource.' }),
    resource_icon: Type.String(),
    action: Choice(auditActions),
    diff: Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), AuditDiffField, {
      description: 'Field → both values. Empty for what failed.',
    }),
    status_code: Type.Integer(),
    additional_fields: Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.Unknown()),
    description: Type.String({ description: 'What happened, with the placeholders `{user}` and `{target}`.' }),
    resource_link: Type.String({ description: 'Page of the resource on the dashboard; empty where there is none.' }),
    is_deleted: Type.Boolean({ description: 'Whether the resource is gone.' }),
    user: Nullable(User, { description: 'Who did it; null when the account is gone.' }),
  },
  { title: 'AuditLog' },
)
export type AuditLog = Static<typeof AuditLog>

export const AuditLogResponse = Type.Object(
  { audit_logs: Type.Array(AuditLog), count: Type.Integer({ description: 'Matches over all pages.' }) },
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
    summary: 'List entries of the audit log, the newest first.',
    description:
      'Without a limit the list is empty and only the count is told. `q` takes the words resource_type, resource_id, action, username, email, date_from and date_to.',
    access: { resource: 'audit_log', action: 'read', denied: 'forbidden' },
    query: Type.Object({
      q: Type.Optional(Type.String({ description: 'Search, for example `action:create date_from:2023-01-01`.' })),
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
    summary: 'Write an entry for tests into the audit log.',
    access: { resource: 'audit_log', action: 'read', denied: 'forbidden' },
    body: CreateTestAuditLogRequest,
    status: 204,
    failures: ['forbidden', 'invalid_json', 'validation_failed'],
  }),
}
