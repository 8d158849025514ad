import { templateRuntimes, type TemplateRuntime } from '@berth/schema'
import type { Static, TLiteral, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ProvisionError } from '../../../driver.ts'

/** The schema of a runtime's state. */
type RuntimeStateSchema = TSchema & { readonly properties: { readonly runtime: TLiteral<TemplateRuntime> } }

/**
 * Returns the runtime that wrote a state. Returns undefined if the state is empty or no runtime
 * wrote it.
 */
export function runtimeOfState(bytes: Uint8Array): TemplateRuntime | undefined {
  const state = parse(bytes)
  if (typeof state !== 'object' || state === null || !('runtime' in state)) return undefined
  return templateRuntimes.find((runtime) => runtime === state.runtime)
}

/** Returns a state as the bytes that are stored. */
export function writeRuntimeState(state: { readonly version: number; readonly runtime: TemplateRuntime }): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state))
}

/**
 * Reads a state. Returns undefined if it is empty. Throws `ProvisionError` if it doesn't match the
 * schema.
 */
export function readRuntimeState<Schema extends RuntimeStateSchema>(schema: Schema, bytes: Uint8Array): Static<Schema> | undefined {
  if (bytes.length === 0) return undefined
  const state = parse(bytes)
  if (Value.Check(schema, state)) return state
  throw new ProvisionError(
    `the state of the workspace was not written by this version of the runtime ${schema.properties.runtime.const}; delete the workspace with the orphan option and create it again`,
  )
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined // refused like any other foreign state
  }
}
