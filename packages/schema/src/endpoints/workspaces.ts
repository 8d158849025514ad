import { Type, type Static } from '@sinclair/typebox'
import { WorkspaceBuild, workspaceStatuses } from './builds.ts'
import { endpoint } from '../endpoint.ts'
import { minExtensionMs } from '../rules/deadline.ts'
import { eventPingIntervalMs } from '../rules/event-stream.ts'
import { maxNameLength } from '../rules/names.ts'
import { maxTtlMs, minTtlMs } from '../rules/ttl.ts'
import { OrganizationParams } from './organizations.ts'
import { CreateParameterRequest } from './parameters.ts'
import { UserParams } from './users.ts'
import { maxLargeJsonBytes, maxLongListItems } from '../rules/field-limits.ts'
import { AnyInteger, Choice, Line, List, LongLine, Nullable, Pagination, Response, Timestamp, Uuid } from '../wire.ts'
import { agentStatuses } from './workspace-resources.ts'

export const Workspace = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    owner_id: Uuid(),
    owner_name: Type.String(),
    template_id: Uuid(),
    template_name: Type.String(),
    template_display_name: Type.String(),
    template_icon: Type.String(),
    template_allow_user_cancel_workspace_jobs: Type.Boolean(),
    latest_build: WorkspaceBuild,
    outdated: Type.Boolean({ description: "Whether the latest build uses another version than the template's active one." }),
    name: Type.String(),
    autostart_schedule: Type.Optional(Type.String({ description: 'When the workspace starts automatically, as it was entered.' })),
    ttl_ms: Type.Optional(Type.Integer({ description: 'Milliseconds after which a started workspace stops automatically.' })),
    last_used_at: Timestamp({ description: 'The zero time if the workspace was never used.' }),
  },
  { title: 'Workspace' },
)
export type Workspace = Static<typeof Workspace>

export const WorkspacesResponse = Type.Object(
  { workspaces: Type.Array(Workspace), count: Type.Integer({ description: 'Number of matches on all pages.' }) },
  { title: 'WorkspacesResponse' },
)
export type WorkspacesResponse = Static<typeof WorkspacesResponse>

const ttlBounds = `From ${minTtlMs} to ${maxTtlMs} milliseconds.`

export const CreateWorkspaceRequest = Type.Object(
  {
    template_id: Uuid({ rules: ['required'] }),
    name: Type.String({
      rules: ['workspace_name', 'required'],
      description: `1 to ${maxNameLength} letters and digits, with single hyphens between them.`,
    }),
    autostart_schedule: Type.Optional(Nullable(LongLine({ description: 'For example `CRON_TZ=Europe/Dublin 30 9 * * 1-5`.' }))),
    ttl_ms: Type.Optional(Nullable(AnyInteger({ description: `${ttlBounds} Absent or 0: the default of the template.` }))),
    parameter_values: Type.Optional(Nullable(List(CreateParameterRequest, { maxItems: maxLongListItems }))),
  },
  { title: 'CreateWorkspaceRequest' },
)
export type CreateWorkspaceRequest = Static<typeof CreateWorkspaceRequest>

export const UpdateWorkspaceRequest = Type.Object(
  { name: Type.String({ rules: ['username'] }) },
  { title: 'UpdateWorkspaceRequest', examples: [{ name: 'dev' }] },
)
export type UpdateWorkspaceRequest = Static<typeof UpdateWorkspaceRequest>

export const UpdateWorkspaceAutostartRequest = Type.Object(
  { schedule: Type.Optional(Nullable(LongLine({ description: 'Null or empty: no autostart.' }))) },
  { title: 'UpdateWorkspaceAutostartRequest', examples: [{ schedule: 'CRON_TZ=Europe/Dublin 30 9 * * 1-5' }] },
)
export type UpdateWorkspaceAutostartRequest = Static<typeof UpdateWorkspaceAutostartRequest>

export const UpdateWorkspaceTTLRequest = Type.Object(
  { ttl_ms: Type.Optional(Nullable(AnyInteger({ description: `${ttlBounds} Null or 0: never.` }))) },
  { title: 'UpdateWorkspaceTTLRequest', examples: [{ ttl_ms: 28_800_000 }] },
)
export type UpdateWorkspaceTTLRequest = Static<typeof UpdateWorkspaceTTLRequest>

export const PutExtendWorkspaceRequest = Type.Object(
  { deadline: Timestamp({ rules: ['required'] }) },
  { title: 'PutExtendWorkspaceRequest', examples: [{ deadline: '2022-12-19T18:00:00Z' }] },
)
export type PutExtendWorkspaceRequest = Static<typeof PutExtendWorkspaceRequest>

/**
 * An event of the watch stream. `data` carries a {@link Workspace}, `error` a {@link Response},
 * `ping` nothing.
 */
export const WorkspaceEvent = Type.Object(
  { event: Choice(['ping', 'data', 'error']), data: Type.Optional(Type.Unknown()) },
  { title: 'WorkspaceEvent' },
)

export const WorkspaceParams = Type.Object({ workspace: Uuid({ description: 'Workspace ID.' }) })
const includeDeleted = {
  include_deleted: Type.Optional(Type.Boolean({ description: 'Also return a deleted workspace.' })),
}

export const workspaces = {
  create: endpoint({
    method: 'POST',
    path: '/organizations/:organization/members/:user/workspaces',
    summary: 'Create a workspace and start it.',
    description:
      'Queues the first build, which uses the active version of the template. `latest_build` in the answer shows its progress. Answers 409 if the owner has a workspace with this name.',
    access: { resource: 'workspace', action: 'create' },
    params: Type.Object({ ...OrganizationParams.properties, ...UserParams.properties }),
    body: CreateWorkspaceRequest,
    maxBodyBytes: maxLargeJsonBytes,
    status: 201,
    response: Workspace,
    failures: [
      'invalid_uuid',
      'invalid_user',
      'not_found',
      'invalid_json',
      'validation_failed',
      'template_not_found',
      'template_deleted',
      'template_of_other_organization',
      'invalid_schedule',
      'invalid_ttl',
      'name_taken',
      'template_version_importing',
      'template_version_failed',
    ],
  }),
  getByOwnerAndName: endpoint({
    method: 'GET',
    path: '/users/:user/workspace/:workspacename',
    summary: 'Get a workspace by its owner and name.',
    description: 'A deleted workspace is 404, unless `include_deleted` is set.',
    access: { resource: 'workspace', action: 'read' },
    params: Type.Object({ ...UserParams.properties, workspacename: Type.String({ description: 'Workspace name.' }) }),
    query: Type.Object(includeDeleted),
    status: 200,
    response: Workspace,
    failures: ['invalid_user', 'not_found', 'invalid_query'],
    trailingSlash: true,
  }),
  list: endpoint({
    method: 'GET',
    path: '/workspaces',
    summary: 'List workspaces.',
    description: 'Most recently used first. A workspace must match every given filter.',
    access: { resource: 'workspace', action: 'read', filtered: true },
    query: Type.Object({
      owner: Type.Optional(Line({ description: 'Username of the owner, or `me`.' })),
      template: Type.Optional(Line({ description: 'Template name.' })),
      name: Type.Optional(Line({ description: 'Part of the workspace name.' })),
      status: Type.Optional(Choice(workspaceStatuses, { description: 'Workspace status.' })),
      has_agent: Type.Optional(Choice(agentStatuses, { description: 'Status that at least one agent must have.' })),
      q: Type.Optional(LongLine({ description: 'Search query: `owner:me name:web status:running`, or `owner/name`.' })),
      ...Pagination,
    }),
    status: 200,
    response: WorkspacesResponse,
    failures: ['invalid_query', 'invalid_search'],
    trailingSlash: true,
  }),
  get: endpoint({
    method: 'GET',
    path: '/workspaces/:workspace',
    summary: 'Get a workspace.',
    description: 'Includes the latest build with its resources and agents. A deleted workspace is 410, unless `include_deleted` is set.',
    access: { resource: 'workspace', action: 'read' },
    params: WorkspaceParams,
    query: Type.Object({
      include_deleted: Type.Optional(Type.Boolean({ description: 'Also return a deleted workspace.', reportedAs: 'deleted' })),
    }),
    status: 200,
    response: Workspace,
    failures: ['invalid_uuid', 'not_found', 'invalid_query', 'workspace_gone'],
    trailingSlash: true,
  }),
  update: endpoint({
    method: 'PATCH',
    path: '/workspaces/:workspace',
    summary: 'Rename a workspace.',
    description: 'Answers 409 if the owner has another workspace with this name, and 405 if the workspace is deleted.',
    access: { resource: 'workspace', action: 'update' },
    params: WorkspaceParams,
    body: UpdateWorkspaceRequest,
    status: 204,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed', 'workspace_deleted_rename', 'name_taken'],
    trailingSlash: true,
  }),
  updateAutostart: endpoint({
    method: 'PUT',
    path: '/workspaces/:workspace/autostart',
    summary: 'Set or clear the autostart schedule of a workspace.',
    description: 'The schedule is a cron expression with an optional time zone. Null or an empty text turns autostart off.',
    access: { resource: 'workspace', action: 'update' },
    params: WorkspaceParams,
    body: UpdateWorkspaceAutostartRequest,
    status: 204,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'invalid_schedule'],
    trailingSlash: true,
  }),
  updateTTL: endpoint({
    method: 'PUT',
    path: '/workspaces/:workspace/ttl',
    summary: 'Set or clear the time after which a workspace stops automatically.',
    description: 'Takes effect the next time the workspace starts.',
    access: { resource: 'workspace', action: 'update' },
    params: WorkspaceParams,
    body: UpdateWorkspaceTTLRequest,
    status: 204,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'invalid_ttl'],
    trailingSlash: true,
  }),
  extend: endpoint({
    method: 'PUT',
    path: '/workspaces/:workspace/extend',
    summary: 'Change when a running workspace stops automatically.',
    description: `The new deadline must be at least ${minExtensionMs / 60_000} minutes in the future. Answers 409 if the workspace isn't running or has no deadline.`,
    access: { resource: 'workspace', action: 'update' },
    params: WorkspaceParams,
    body: PutExtendWorkspaceRequest,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed', 'workspace_not_extendable', 'invalid_deadline'],
  }),
  watch: endpoint({
    method: 'GET',
    path: '/workspaces/:workspace/watch',
    summary: 'Watch a workspace.',
    description: `Server-sent events: a ping at once and then every ${eventPingIntervalMs / 1000} seconds, and the whole workspace after each change.`,
    access: { resource: 'workspace', action: 'read' },
    params: WorkspaceParams,
    status: 200,
    response: WorkspaceEvent,
    delivery: 'server_sent_events',
    failures: ['invalid_uuid', 'not_found'],
  }),
}
