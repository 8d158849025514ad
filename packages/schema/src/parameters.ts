import { Type, type Static } from '@sinclair/typebox'
import { Choice, Timestamp, Uuid } from './wire.ts'

export const parameterScopes = ['template', 'import_job', 'workspace'] as const
export const parameterSourceSchemes = ['none', 'data'] as const
export const parameterDestinationSchemes = ['none', 'environment_variable', 'provisioner_variable'] as const

/** A parameter that a template version declares (Coder v2 API, v0.13.4). */
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
    redisplay_value: Type.Boolean({ description: 'False for sensitive parameters: their values are never shown again.' }),
    validation_error: Type.String(),
    validation_condition: Type.String(),
    validation_type_system: Choice(['none', 'hcl']),
    validation_value_type: Type.String(),
    validation_contains: Type.Optional(Type.Array(Type.String(), { description: 'The only values that are accepted.' })),
  },
  { title: 'ParameterSchema' },
)
export type ParameterSchema = Static<typeof ParameterSchema>

/** A value as computed for a job; blank where the schema says that it is not shown again. */
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

/** A value that a request brings along. Elements are decoded but not validated (Coder v2 API, v0.13.4). */
export const CreateParameterRequest = Type.Object(
  {
    copy_from_parameter: Type.Optional(Uuid({ description: 'Take value and schemes of this parameter instead.' })),
    name: Type.String(),
    source_value: Type.String(),
    source_scheme: Choice(parameterSourceSchemes),
    destination_scheme: Choice(parameterDestinationSchemes),
  },
  { title: 'CreateParameterRequest' },
)
export type CreateParameterRequest = Static<typeof CreateParameterRequest>
