import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { OrganizationParams } from './organizations.ts'
import { ComputedParameter, CreateParameterRequest, ParameterSchema } from './parameters.ts'
import { LogQuery, ProvisionerJob, ProvisionerJobLog, provisionerTypes } from './provisioner-jobs.ts'
import { TemplateParams } from './templates.ts'
import { User } from './users.ts'
import { maxLargeJsonBytes, maxLongListItems } from '../rules/field-limits.ts'
import { Choice, Line, List, MapOf, Nullable, Pagination, Response, Timestamp, Uuid } from '../wire.ts'
import { WorkspaceResource } from './workspace-resources.ts'

export const TemplateVersion = Type.Object(
  {
    id: Uuid(),
    template_id: Uuid({ description: 'The nil UUID until the version belongs to a template.' }),
    organization_id: Uuid(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    name: Type.String(),
    job: ProvisionerJob,
    readme: Type.String(),
    created_by: Type.Object(
      { ...User.properties, organization_ids: Nullable(Type.Array(Uuid())) },
      { title: 'TemplateVersionCreator', description: 'The creator. Here `organization_ids` is always null.' },
    ),
  },
  { title: 'TemplateVersion' },
)
export type TemplateVersion = Static<typeof TemplateVersion>

export const CreateTemplateVersionRequest = Type.Object(
  {
    name: Type.Optional(Type.String({ rules: ['template_name'], description: 'Default: a random name.' })),
    template_id: Type.Optional(Uuid()),
    storage_method: Choice(['file'], { rules: ['oneof', 'required'] }),
    file_id: Type.Optional(Uuid({ requiredWithout: 'example_id' })),
    example_id: Type.Optional(Line({ requiredWithout: 'file_id' })),
    provisioner: Choice(provisionerTypes, { rules: ['oneof', 'required'] }),
    tags: Type.Optional(Nullable(MapOf(Line()))),
    parameter_values: Type.Optional(Nullable(List(CreateParameterRequest, { maxItems: maxLongListItems }))),
  },
  { title: 'CreateTemplateVersionRequest' },
)
export type CreateTemplateVersionRequest = Static<typeof CreateTemplateVersionRequest>

export const TemplateVersionParams = Type.Object({ templateversion: Uuid({ description: 'Template version ID.' }) })
/** The name of a version in its template. Case matters. */
const VersionNameParams = { templateversionname: Type.String({ description: 'Template version name.' }) }
const readable = { resource: 'template', action: 'read' } as const

export const templateVersions = {
  create: endpoint({
    method: 'POST',
    path: '/organizations/:organization/templateversions',
    summary: 'Create a template version from an uploaded archive and start its import.',
    description: 'Needs permission to create templates in the organization or, with a `template_id`, to update that template.',
    access: 'signed_in',
    params: OrganizationParams,
    body: CreateTemplateVersionRequest,
    maxBodyBytes: maxLargeJsonBytes,
    status: 201,
    response: TemplateVersion,
    failures: [
      'invalid_uuid',
      'not_found',
      'invalid_json',
      'validation_failed',
      'file_not_found',
      'invalid_template',
      'name_taken',
      'forbidden',
    ],
    bodyBeforeAccess: true,
  }),
  get: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion',
    summary: 'Get a template version.',
    description: 'Includes the import job. Workspaces can use the version once the job has succeeded.',
    access: readable,
    params: TemplateVersionParams,
    status: 200,
    response: TemplateVersion,
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  listOfTemplate: endpoint({
    method: 'GET',
    path: '/templates/:template/versions',
    summary: 'List the versions of a template, oldest first.',
    description: 'Returns the versions in pages, each with its import job.',
    access: readable,
    params: TemplateParams,
    query: Type.Object({ ...Pagination }),
    status: 200,
    response: Type.Array(TemplateVersion),
    failures: ['invalid_uuid', 'not_found', 'invalid_query', 'cursor_not_found'],
    trailingSlash: true,
  }),
  getByName: endpoint({
    method: 'GET',
    path: '/templates/:template/versions/:templateversionname',
    summary: 'Get a version of a template by name.',
    description: 'Names are unique within a template. Case matters.',
    access: readable,
    params: Type.Object({ ...TemplateParams.properties, ...VersionNameParams }),
    status: 200,
    response: TemplateVersion,
    failures: ['invalid_uuid', 'not_found'],
  }),
  getOfOrganization: endpoint({
    method: 'GET',
    path: '/organizations/:organization/templateversions/:templateversionname',
    summary: 'Get a template version of an organization by name.',
    description: 'If several templates have a version with this name, returns the newest one the caller may read.',
    access: readable,
    params: Type.Object({ ...OrganizationParams.properties, ...VersionNameParams }),
    status: 200,
    response: TemplateVersion,
    failures: ['invalid_uuid', 'not_found'],
  }),
  previous: endpoint({
    method: 'GET',
    path: '/organizations/:organization/templateversions/:templateversionname/previous',
    summary: "Get the previous version of the named version's template.",
    description: 'Returns the version of the same template that was created before the named one. Answers 404 for the first version.',
    access: readable,
    params: Type.Object({ ...OrganizationParams.properties, ...VersionNameParams }),
    status: 200,
    response: TemplateVersion,
    failures: ['invalid_uuid', 'not_found'],
  }),
  cancel: endpoint({
    method: 'PATCH',
    path: '/templateversions/:templateversion/cancel',
    summary: 'Cancel the import of a template version.',
    description: 'Answers 412 if the import has ended or is being canceled already.',
    access: { resource: 'template', action: 'update' },
    params: TemplateVersionParams,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'job_completed', 'job_canceled'],
  }),
  schema: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion/schema',
    summary: 'List the parameters that a template version declares.',
    description: 'Clients use the list to ask people for values. Answers 412 until the import has ended.',
    access: readable,
    params: TemplateVersionParams,
    status: 200,
    response: Type.Array(ParameterSchema),
    failures: ['invalid_uuid', 'not_found', 'job_not_completed'],
  }),
  parameters: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion/parameters',
    summary: 'List the parameter values of a template version.',
    description: 'Values of sensitive parameters are blank. Answers 412 until the import has ended.',
    access: readable,
    params: TemplateVersionParams,
    status: 200,
    response: Type.Array(ComputedParameter),
    failures: ['invalid_uuid', 'not_found', 'job_not_completed'],
  }),
  resources: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion/resources',
    summary: 'List the resources of a template version, once for start and once for stop.',
    description: 'The list includes agents and their apps. Answers 412 until the import has ended.',
    access: readable,
    params: TemplateVersionParams,
    status: 200,
    response: Type.Array(WorkspaceResource),
    failures: ['invalid_uuid', 'not_found', 'job_not_completed'],
  }),
  logs: endpoint({
    method: 'GET',
    path: '/templateversions/:templateversion/logs',
    summary: 'Read or follow the logs of an import.',
    description:
      'Returns the entries as a list. With `follow`, the connection becomes a WebSocket that sends entries until the import ends.',
    access: readable,
    params: TemplateVersionParams,
    query: LogQuery,
    status: 200,
    response: Type.Array(ProvisionerJobLog),
    failures: ['invalid_uuid', 'not_found', 'invalid_query', 'upgrade_required'],
  }),
}
