import { Type, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import {
  ProcessesResponse,
  WorkspaceFile,
  WorkspaceFilesResponse,
  WorkspaceProcess,
  type AgentCalls,
  type AgentOperation,
} from '@berth/schema'
import { execOutputBytes } from '@berth/schema/rules'

const nothing = Type.Object({})
const outputBytes = Type.Integer({ minimum: 0, maximum: execOutputBytes.max })

const schemas: { readonly [Name in AgentOperation]: TSchema } = {
  'processes.exec': Type.Object({
    exit_code: Type.Integer(),
    signal: Type.String(),
    timed_out: Type.Boolean(),
    stdout_truncated: Type.Boolean(),
    stderr_truncated: Type.Boolean(),
    stdout_bytes: outputBytes,
    stderr_bytes: outputBytes,
  }),
  'processes.start': withoutFormats(WorkspaceProcess),
  'processes.attach': withoutFormats(WorkspaceProcess),
  'processes.list': withoutFormats(ProcessesResponse),
  'processes.get': withoutFormats(WorkspaceProcess),
  'processes.signal': nothing,
  'processes.remove': nothing,
  'files.list': withoutFormats(WorkspaceFilesResponse),
  'files.stat': withoutFormats(WorkspaceFile),
  'files.read': Type.Object({ size: Type.Integer({ minimum: 0 }) }),
  'files.write': withoutFormats(WorkspaceFile),
  'files.mkdir': withoutFormats(WorkspaceFile),
  'files.rename': withoutFormats(WorkspaceFile),
  'files.remove': nothing,
  'files.watch': nothing,
}

/**
 * Returns what an agent answered, without keys that nobody asked for; undefined if it isn't an
 * answer to this operation. It comes from inside a workspace, so nothing in it is trusted.
 */
export function checkedAnswer<Name extends AgentOperation>(op: Name, answer: unknown): AgentCalls[Name]['answer'] | undefined {
  const schema = schemas[op]
  if (!Value.Check(schema, answer)) return undefined
  // The schema of the operation has just been checked.
  return Value.Clean(schema, answer) as AgentCalls[Name]['answer']
}

/**
 * Returns a schema that accepts any text where another asks for a format, which TypeBox doesn't
 * know.
 */
function withoutFormats<Schema>(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(withoutFormats) as Schema
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Reflect.ownKeys(schema)
    .map((key) => [key, Reflect.get(schema, key) as unknown] as const)
    .filter(([key, value]) => key !== 'format' || typeof value !== 'string')
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutFormats(value)])) as Schema
}
