import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { CreateParameterRequest } from './parameters.ts'
import { LogQuery, ProvisionerJob, ProvisionerJobLog } from './provisioner-jobs.ts'
import { UserParams } from './users.ts'
import { maxLargeJsonBytes, maxLongListItems } from '../rules/field-limits.ts'
import { Base64, Choice, List, Nullable, Pagination, Response, Timestamp, Uuid } from '../wire.ts'
import { WorkspaceResource, transitions } from './workspace-resources.ts'

/**
 * Workspace statuses. They follow from the transition and the job status of the latest build (Coder
 * v2 API, v0.13.4).
 */
export const workspaceStatuses = [
  'pending',
  'starting',
  'running',
  'stopping',
  'stopped',
  'failed',
  'canceling',
  'canceled',
  'deleting',
  'deleted',
] as const
export type WorkspaceStatus = (typeof workspaceStatuses)[number]

/** Reasons for a build: a person (`initiator`) or a schedule. */
export const buildReasons = ['initiator', 'autostart', 'autostop'] as const

export const WorkspaceBuild = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    workspace_id: Uuid(),
    workspace_name: Type.String(),
    workspace_owner_id: Uuid(),
    workspace_owner_name: Type.String(),
    template_version_id: Uuid(),
    template_version_name: Type.String(),
    build_number: Type.Integer({ minimum: 1 }),
    transition: Choice(transitions),
    initiator_id: Uuid(),
    initiator_name: Type.String(),
    job: ProvisionerJob,
    reason: Choice(buildReasons),
    resources: Type.Array(WorkspaceResource),
    deadline: Nullable(Timestamp(), { description: 'When the workspace stops automatically. Null: never.' }),
    status: Choice(workspaceStatuses),
    daily_cost: Type.Integer(),
  },
  { title: 'WorkspaceBuild' },
)
export type WorkspaceBuild = Static<typeof WorkspaceBuild>

export const CreateWorkspaceBuildRequest = Type.Object(
  {
    template_version_id: Type.Optional(Uuid({ description: 'Default: the version of the latest build.' })),
    transition: Choice(['create', ...transitions], {
      rules: ['oneof', 'required'],
      description: '`create` is recognized but always refused.',
    }),
    dry_run: Type.Optional(Type.Boolean({ description: 'Accepted but ignored.' })),
    state: Type.Optional(Nullable(Base64({ maxLength: maxLargeJsonBytes, description: 'Replaces the provisioner state.' }))),
    orphan: Type.Optional(Type.Boolean({ description: 'With `delete`: forget the resources without destroying them.' })),
    parameter_values: Type.Optional(Nullable(List(CreateParameterRequest, { maxItems: maxLongListItems }))),
  },
  { title: 'CreateWorkspaceBuildRequest', examples: [{ transition: 'start' }] },
)
export type CreateWorkspaceBuildRequest = Static<typeof CreateWorkspaceBuildRequest>

export const BuildParams = Type.Object({ workspacebuild: Uuid({ description: 'Workspace build ID.' }) })
const WorkspaceParams = Type.Object({ workspace: Uuid({ description: 'Workspace ID.' }) })
const readable = { resource: 'workspace', action: 'read' } as const

export const builds = {
  create: endpoint({
    method: 'POST',
    path: '/workspaces/:workspace/builds',
    summary: 'Start, stop or delete a workspace.',
    description: 'The transition `delete` needs permission to delete the workspace, the others to update it.',
    access: { resource: 'workspace', action: 'update' },
    params: WorkspaceParams,
    body: CreateWorkspaceBuildRequest,
    maxBodyBytes: maxLargeJsonBytes,
    status: 201,
    response: WorkspaceBuild,
    failures: [
      'invalid_uuid',
      'not_found',
      'invalid_json',
      'validation_failed',
      'invalid_build',
      'template_version_not_found',
      'custom_state_forbidden',
      'template_version_importing',
      'template_version_failed',
      'build_active',
    ],
    trailingSlash: true,
    bodyBeforeAccess: true,
  }),
  list: endpoint({
    method: 'GET',
    path: '/workspaces/:workspace/builds',
    summary: 'List the builds of a workspace, newest first.',
    description: 'Returns the builds in pages, each with its job and its resources.',
    access: readable,
    params: WorkspaceParams,
    query: Type.Object({ ...Pagination, since: Type.Optional(Timestamp({ description: 'Only builds created after this time.' })) }),
    status: 200,
    response: Type.Array(WorkspaceBuild),
    failures: ['invalid_uuid', 'not_found', 'invalid_query', 'cursor_not_found'],
    trailingSlash: true,
  }),
  getByNumber: endpoint({
    method: 'GET',
    path: '/users/:user/workspace/:workspacename/builds/:buildnumber',
    summary: 'Get a build by its number in the workspace.',
    description: 'Numbers start at 1 and increase with each build of the workspace.',
    access: readable,
    params: Type.Object({
      ...UserParams.properties,
      workspacename: Type.String({ description: 'Workspace name.' }),
      buildnumber: Type.String({ description: 'Build number.' }),
    }),
    status: 200,
    response: WorkspaceBuild,
    failures: ['invalid_user', 'invalid_build_number', 'not_found', 'build_not_found'],
  }),
  get: endpoint({
    method: 'GET',
    path: '/workspacebuilds/:workspacebuild',
    summary: 'Get a build.',
    description: 'Includes the job, the resources, and the status that this build gives the workspace.',
    access: readable,
    params: BuildParams,
    status: 200,
    response: WorkspaceBuild,
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  cancel: endpoint({
    method: 'PATCH',
    path: '/workspacebuilds/:workspacebuild/cancel',
    summary: 'Cancel a build.',
    description:
      "Answers 403 if the template doesn't let users cancel builds, and 412 if the build has ended or is being canceled already.",
    access: { resource: 'workspace', action: 'update' },
    params: BuildParams,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'cancel_forbidden', 'job_completed', 'job_canceled'],
  }),
  logs: endpoint({
    method: 'GET',
    path: '/workspacebuilds/:workspacebuild/logs',
    summary: 'Read or follow the logs of a build.',
    description:
      'Returns the entries as a list. With `follow`, the connection becomes a WebSocket that sends entries until the build ends.',
    access: readable,
    params: BuildParams,
    query: LogQuery,
    status: 200,
    response: Type.Array(ProvisionerJobLog),
    failures: ['invalid_uuid', 'not_found', 'invalid_query', 'upgrade_required'],
  }),
  resources: endpoint({
    method: 'GET',
    path: '/workspacebuilds/:workspacebuild/resources',
    summary: 'List the resources of a build.',
    description: 'The list includes agents and their apps. Answers 412 until the build has ended.',
    access: readable,
    params: BuildParams,
    status: 200,
    response: Type.Array(WorkspaceResource),
    failures: ['invalid_uuid', 'not_found', 'job_not_completed'],
  }),
  state: endpoint({
    method: 'GET',
    path: '/workspacebuilds/:workspacebuild/state',
    summary: 'Get the provisioner state after a build.',
    description: 'The format of the bytes depends on the provisioner of the template, whatever the content type says.',
    access: readable,
    params: BuildParams,
    status: 200,
    delivery: 'bytes',
    responseType: 'application/json',
    failures: ['invalid_uuid', 'not_found'],
  }),
}
