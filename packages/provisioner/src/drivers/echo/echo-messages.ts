import type { LogLevel } from '../../driver.ts'
import type { Resource } from '../../resources.ts'
import type { ParameterSchema } from '../../parameters.ts'
import { decodeMessage, encodeMessage, type Message, type MessageTable } from './message-table.ts'

export interface EchoLog {
  readonly level: LogLevel
  readonly output: string
}

/** One file of a parse: a log line or the result. */
export interface ParseResponse {
  readonly log?: EchoLog
  readonly complete?: { readonly parameter_schemas: readonly ParameterSchema[] }
}

/** The result of a plan or an apply. */
export interface ProvisionComplete {
  readonly state: Uint8Array
  /** If not empty, the provisioner failed with this error. */
  readonly error: string
  readonly resources: readonly Resource[]
  readonly plan: Uint8Array
}

/** One file of a plan or an apply: a log line or the result. */
export interface ProvisionResponse {
  readonly log?: EchoLog
  readonly complete?: ProvisionComplete
}

// Field numbers of the reference's protocol (Coder v2 API, v0.13.4).
const logTable: MessageTable = {
  level: { no: 1, kind: 'enum', names: ['trace', 'debug', 'info', 'warn', 'error'] },
  output: { no: 2, kind: 'string' },
}

const parameterSchemaTable: MessageTable = {
  name: { no: 1, kind: 'string' },
  description: { no: 2, kind: 'string' },
  default_source: {
    no: 3,
    kind: 'message',
    table: { scheme: { no: 1, kind: 'enum', names: ['data'] }, value: { no: 2, kind: 'string' } },
  },
  allow_override_source: { no: 4, kind: 'bool' },
  default_destination: {
    no: 5,
    kind: 'message',
    table: { scheme: { no: 1, kind: 'enum', names: ['environment_variable', 'provisioner_variable'] } },
  },
  allow_override_destination: { no: 6, kind: 'bool' },
  redisplay_value: { no: 7, kind: 'bool' },
  validation_type_system: { no: 8, kind: 'enum', names: ['none', 'hcl'] },
  validation_value_type: { no: 9, kind: 'string' },
  validation_error: { no: 10, kind: 'string' },
  validation_condition: { no: 11, kind: 'string' },
}

const appTable: MessageTable = {
  slug: { no: 1, kind: 'string' },
  display_name: { no: 2, kind: 'string' },
  command: { no: 3, kind: 'string' },
  url: { no: 4, kind: 'string' },
  icon: { no: 5, kind: 'string' },
  subdomain: { no: 6, kind: 'bool' },
  healthcheck: {
    no: 7,
    kind: 'message',
    table: { url: { no: 1, kind: 'string' }, interval: { no: 2, kind: 'int32' }, threshold: { no: 3, kind: 'int32' } },
  },
  sharing_level: { no: 8, kind: 'enum', names: ['owner', 'authenticated', 'public'] },
  external: { no: 9, kind: 'bool' },
}

const agentTable: MessageTable = {
  id: { no: 1, kind: 'string' },
  name: { no: 2, kind: 'string' },
  env: { no: 3, kind: 'stringMap' },
  startup_script: { no: 4, kind: 'string' },
  operating_system: { no: 5, kind: 'string' },
  architecture: { no: 6, kind: 'string' },
  directory: { no: 7, kind: 'string' },
  apps: { no: 8, kind: 'messages', table: appTable },
  token: { no: 9, kind: 'string', isOptional: true },
  instance_id: { no: 10, kind: 'string', isOptional: true },
  connection_timeout_seconds: { no: 11, kind: 'int32' },
  troubleshooting_url: { no: 12, kind: 'string' },
  motd_file: { no: 13, kind: 'string' },
}

const metadataTable: MessageTable = {
  key: { no: 1, kind: 'string' },
  value: { no: 2, kind: 'string' },
  sensitive: { no: 3, kind: 'bool' },
  is_null: { no: 4, kind: 'bool' },
}

const resourceTable: MessageTable = {
  name: { no: 1, kind: 'string' },
  type: { no: 2, kind: 'string' },
  agents: { no: 3, kind: 'messages', table: agentTable },
  metadata: { no: 4, kind: 'messages', table: metadataTable },
  hide: { no: 5, kind: 'bool' },
  icon: { no: 6, kind: 'string' },
  instance_type: { no: 7, kind: 'string' },
  daily_cost: { no: 8, kind: 'int32' },
}

const parseResponseTable: MessageTable = {
  log: { no: 1, kind: 'message', table: logTable },
  complete: { no: 2, kind: 'message', table: { parameter_schemas: { no: 2, kind: 'messages', table: parameterSchemaTable } } },
}

const provisionResponseTable: MessageTable = {
  log: { no: 1, kind: 'message', table: logTable },
  complete: {
    no: 2,
    kind: 'message',
    table: {
      state: { no: 1, kind: 'bytes' },
      error: { no: 2, kind: 'string' },
      resources: { no: 3, kind: 'messages', table: resourceTable },
      plan: { no: 4, kind: 'bytes' },
    },
  },
}

/** A parameter schema with the nesting of the protocol. */
interface NestedSchema extends Message {
  readonly default_source?: { readonly scheme: 'data'; readonly value: string }
  readonly default_destination?: { readonly scheme: 'environment_variable' | 'provisioner_variable' }
}

/** Reads a `<n>.parse.protobuf`. Throws on malformed bytes. */
export function decodeParseResponse(bytes: Uint8Array): ParseResponse {
  // Decoding by the table gives exactly this shape.
  const response = decodeMessage(parseResponseTable, bytes) as {
    readonly log?: EchoLog
    readonly complete?: { readonly parameter_schemas: readonly NestedSchema[] }
  }
  return {
    ...(response.log && { log: response.log }),
    ...(response.complete && { complete: { parameter_schemas: response.complete.parameter_schemas.map(flattenSchema) } }),
  }
}

/** Returns the bytes of a `<n>.parse.protobuf`. */
export function encodeParseResponse(response: {
  readonly log?: object
  readonly complete?: { readonly parameter_schemas: readonly Partial<ParameterSchema>[] }
}): Uint8Array {
  const { log, complete } = response
  return encodeMessage(parseResponseTable, {
    log,
    complete: complete && { parameter_schemas: complete.parameter_schemas.map(nestSchema) },
  })
}

/**
 * Reads a `<n>.provision.plan.protobuf` or `<n>.provision.apply.protobuf`. Throws on malformed
 * bytes.
 */
export function decodeProvisionResponse(bytes: Uint8Array): ProvisionResponse {
  return decodeMessage(provisionResponseTable, bytes) // decoding by the table gives exactly this shape
}

/** Returns the bytes of a `<n>.provision.plan.protobuf` or `<n>.provision.apply.protobuf`. */
export function encodeProvisionResponse(response: { readonly log?: object; readonly complete?: object }): Uint8Array {
  return encodeMessage(provisionResponseTable, response)
}

function flattenSchema({ default_source, default_destination, ...schema }: NestedSchema): ParameterSchema {
  // The table names the remaining fields as ParameterSchema does.
  return {
    ...schema,
    default_source_scheme: default_source === undefined ? 'none' : 'data',
    default_source_value: default_source?.value ?? '',
    default_destination_scheme: default_destination?.scheme ?? 'none',
  } as unknown as ParameterSchema
}

function nestSchema(schema: Partial<ParameterSchema>): Message {
  const { default_source_scheme, default_source_value, default_destination_scheme = 'none', ...rest } = schema
  const hasDefault = default_source_scheme === 'data' || (default_source_scheme === undefined && default_source_value !== undefined)
  return {
    ...rest,
    ...(hasDefault && { default_source: { scheme: 'data', value: default_source_value ?? '' } }),
    ...(default_destination_scheme !== 'none' && { default_destination: { scheme: default_destination_scheme } }),
  }
}
