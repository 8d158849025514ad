import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Choice, LongLine, LongText, Response, Timestamp, Uuid } from '../wire.ts'

export const parameterScopes = ['template', 'import_job', 'workspace'] as const
export const parameterSourceSchemes = ['none', 'data'] as const
export const parameterDestinationSchemes = ['none', 'environment_variable', 'provisioner_variable'] as const

/** A parameter declared by a template version (Coder v2 API, v0.13.4). */
export const ParameterSchema = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    job_id: Uuid(),
    name: Type.String(),
    description: Type.String(),
    default_source_scheme: Choice(parameterSourceSchemes),
    default_source_value: Type.String(),
    allow_override_source: Type.Boolean(),
    default_destination_scheme: Choice(parameterDestinationSchemes),
    allow_override_destination: Type.Boolean(),
    default_refresh: Type.String(),
    redisplay_value: Type.Boolean({ description: 'False for sensitive parameters, whose values are never shown.' }),
    validation_error: Type.String(),
    validation_condition: Type.String(),
    validation_type_system: Choice(['none', 'hcl']),
    validation_value_type: Type.String(),
    validation_contains: Type.Optional(Type.Array(Type.String(), { description: 'The accepted values. Absent: any value.' })),
  },
  { title: 'ParameterSchema' },
)
export type ParameterSchema = Static<typeof ParameterSchema>

/** A parameter value computed for a job. The value is blank when the parameter is sensitive. */
export const ComputedParameter = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    scope: Choice(parameterScopes),
    scope_id: Uuid(),
    name: Type.String(),
    source_scheme: Choice(parameterSourceSchemes),
    source_value: Type.String(),
    destination_scheme: Choice(parameterDestinationSchemes),
    schema_id: Uuid(),
    default_source_value: Type.Boolean(),
  },
  { title: 'ComputedParameter' },
)
export type ComputedParameter = Static<typeof ComputedParameter>

/** The maximum length of a parameter name, in characters (Coder v2 API, v0.13.4). */
export const maxParameterNameLength = 64

/**
 * A parameter value inside another request. The server decodes it but doesn't validate it (Coder v2
 * API, v0.13.4).
 */
export const CreateParameterRequest = Type.Object(
  {
    copy_from_parameter: Type.Optional(Uuid({ description: 'Copy the value and schemes of this parameter instead.' })),
    name: LongLine(),
    source_value: LongText(),
    source_scheme: Choice(parameterSourceSchemes),
    destination_scheme: Choice(parameterDestinationSchemes),
  },
  { title: 'CreateParameterRequest' },
)
export type CreateParameterRequest = Static<typeof CreateParameterRequest>

/**
 * A stored parameter value of a template, an import job or a workspace. The answer never includes
 * the value itself.
 */
export const Parameter = Type.Object(
  {
    id: Uuid(),
    scope: Choice(parameterScopes),
    scope_id: Uuid(),
    name: Type.String(),
    source_scheme: Choice(parameterSourceSchemes),
    destination_scheme: Choice(parameterDestinationSchemes),
    created_at: Timestamp(),
    updated_at: Timestamp(),
  },
  { title: 'Parameter' },
)
export type Parameter = Static<typeof Parameter>

export const CreateScopedParameterRequest = Type.Object(
  {
    copy_from_parameter: Type.Optional(Uuid({ description: 'Ignored. `source_value` is required.' })),
    name: Type.String({ rules: ['required'], maxLength: maxParameterNameLength }),
    source_value: LongText({ rules: ['required'] }),
    source_scheme: Choice(['data'], { rules: ['oneof', 'required'] }),
    destination_scheme: Choice(['environment_variable', 'provisioner_variable'], { rules: ['oneof', 'required'] }),
  },
  { title: 'CreateScopedParameterRequest' },
)
export type CreateScopedParameterRequest = Static<typeof CreateScopedParameterRequest>

const ScopeParams = Type.Object({
  parameterscope: Choice(parameterScopes, { description: 'What the value belongs to.' }),
  scoped: Uuid({ description: 'ID of the template, the import job or the workspace.' }),
})

/**
 * Stored parameter values. Access follows from access to the template or workspace they belong to.
 */
export const parameters = {
  create: endpoint({
    method: 'POST',
    path: '/parameters/:parameterscope/:scoped',
    summary: 'Create a parameter value for a template, an import job or a workspace.',
    description:
      "The answer doesn't contain the value. For a workspace, the caller needs the permission on the workspace. A second value with the same name is 409.",
    access: { resource: 'template', action: 'update' },
    params: ScopeParams,
    body: CreateScopedParameterRequest,
    status: 201,
    response: Parameter,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed', 'name_taken'],
  }),
  list: endpoint({
    method: 'GET',
    path: '/parameters/:parameterscope/:scoped',
    summary: 'List the parameter values of a template, an import job or a workspace.',
    description: 'The answer contains names and schemes, but no values. For a workspace, the caller needs the permission on the workspace.',
    access: { resource: 'template', action: 'read' },
    params: ScopeParams,
    status: 200,
    response: Type.Array(Parameter),
    failures: ['invalid_uuid', 'not_found', 'validation_failed'],
  }),
  delete: endpoint({
    method: 'DELETE',
    path: '/parameters/:parameterscope/:scoped/:parametername',
    summary: 'Delete a parameter value.',
    description: "Later jobs don't use the value. For a workspace, the caller needs the permission on the workspace.",
    access: { resource: 'template', action: 'update' },
    params: Type.Object({ ...ScopeParams.properties, parametername: Type.String() }),
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'validation_failed'],
  }),
}
