/**
 * Where a parameter's value goes in the provisioner. `none`: the schema has no default destination.
 */
export type DestinationScheme = 'none' | 'environment_variable' | 'provisioner_variable'

/** A parameter that a template declares (Coder v2 API, v0.13.4, parameter schemas). */
export interface ParameterSchema {
  /** At most 64 characters. */
  readonly name: string
  readonly description: string
  /** `data` if the template has a default. */
  readonly default_source_scheme: 'none' | 'data'
  readonly default_source_value: string
  readonly allow_override_source: boolean
  readonly default_destination_scheme: DestinationScheme
  readonly allow_override_destination: boolean
  /** False for secrets. */
  readonly redisplay_value: boolean
  readonly validation_type_system: 'none' | 'hcl'
  readonly validation_value_type: string
  readonly validation_error: string
  /** An HCL expression. Existing clients show `contains(["a", "b"], var.name)` as a choice. */
  readonly validation_condition: string
  /** False means that a workspace keeps the value it was created with. Default: true. */
  readonly mutable?: boolean
}

/** The value of a parameter in one job. */
export interface ParameterValue {
  readonly name: string
  readonly value: string
  readonly destination_scheme: DestinationScheme
  /** Whether people may not see it. Drivers don't need to know. Default: false. */
  readonly sensitive?: boolean
}
