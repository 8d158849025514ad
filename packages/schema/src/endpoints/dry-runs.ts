import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { CreateParameterRequest } from './parameters.ts'
import { LogQuery, ProvisionerJob, ProvisionerJobLog } from './provisioner-jobs.ts'
import { TemplateVersionParams } from './template-versions.ts'
import { maxLargeJsonBytes, maxLongListItems } from '../rules/field-limits.ts'
import { Line, List, Nullable, Response, Uuid } from '../wire.ts'
import { WorkspaceResource } from './workspace-resources.ts'

export const CreateTemplateVersionDryRunRequest = Type.Object(
  {
    workspace_name: Type.Optional(Line({ description: 'Name of the imagined workspace. Default: `dryrun`.' })),
    parameter_values: Type.Optional(
      Nullable(
        List(CreateParameterRequest, {
          maxItems: maxLongListItems,
          description: 'Not validated. Values for undeclared parameters are ignored; of several values for one name, the last counts.',
        }),
      ),
    ),
  },
  { title: 'CreateTemplateVersionDryRunRequest' },
)
export type CreateTemplateVersionDryRunRequest = Static<typeof CreateTemplateVersionDryRunRequest>

const DryRunParams = Type.Object({ ...TemplateVersionParams.properties, dryrun: Uuid({ description: 'Job ID of the dry run.' }) })
const readable = { resource: 'template', action: 'read' } as const

/** Dry runs: plan a workspace with given parameter values without creating it. */
export const dryRuns = {
  create: endpoint({
    method: 'POST',
    path: '/templateversions/:templateversion/dry-run',
    summary: 'Plan a workspace from a template version without creating it.',
    description: 'Also needs permission to create your own workspaces.',
    access: readable,
    params: TemplateVersionParams,
    body: CreateTemplateVersionDryRunRequest,
    maxBodyBytes: maxLargeJsonBytes,
    status: 201,
    response: ProvisionerJob,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'job_not_completed'],
  }),
  get: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion/dry-run/:dryrun',
    summary: 'Get a dry run.',
    description: 'Returns the job of the dry run, whose status tells whether the plan is ready.',
    access: readable,
    params: DryRunParams,
    status: 200,
    response: ProvisionerJob,
    failures: ['invalid_uuid', 'not_found', 'forbidden'],
  }),
  resources: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion/dry-run/:dryrun/resources',
    summary: 'List the resources a dry run planned.',
    description: 'Answers 412 until the dry run has ended.',
    access: readable,
    params: DryRunParams,
    status: 200,
    response: Type.Array(WorkspaceResource),
    failures: ['invalid_uuid', 'not_found', 'forbidden', 'job_not_completed'],
  }),
  logs: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion/dry-run/:dryrun/logs',
    summary: 'Read or follow the logs of a dry run.',
    description:
      'Returns the entries as a list. With `follow`, the connection becomes a WebSocket that sends entries until the dry run ends.',
    access: readable,
    params: DryRunParams,
    query: LogQuery,
    status: 200,
    response: Type.Array(ProvisionerJobLog),
    failures: ['invalid_uuid', 'not_found', 'forbidden', 'invalid_query', 'upgrade_required'],
  }),
  cancel: endpoint({
    method: 'PATCH',
    path: '/templateversions/:templateversion/dry-run/:dryrun/cancel',
    summary: 'Cancel a dry run.',
    description: 'Answers 412 if the dry run has ended or is being canceled already.',
    access: readable,
    params: DryRunParams,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'forbidden', 'job_completed', 'job_canceled'],
  }),
}
