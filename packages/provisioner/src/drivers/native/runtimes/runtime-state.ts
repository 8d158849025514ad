import { templateRuntimes } from '@berth/schema'
import type { Static, TLiteral, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ProvisionError } from '../../../driver.ts'
import type { TemplateRuntime } from '../template/read-template.ts'

/** The schema of what a runtime leaves for the next build. */
type RuntimeStateSchema = TSchema & { readonly properties: { readonly runtime: TLiteral<TemplateRuntime> } }

/** The runtime that a workspace was built on; undefined where there is no state, or one that no runtime wrote. */
export function runtimeOfState(bytes: Uint8Array): TemplateRuntime | undefined {
  const state = parse(bytes)
  if (typeof state !== 'object' || state === null || !('runtime' in state)) return undefined
  return templateRuntimes.find((runtime) => runtime === state.runtime)
}

/** Writes a state. */
export function writeRuntimeState(state: { readonly version: number; readonly runtime: TemplateRuntime }): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state))
}

/** Reads a state; undefined where there is none. Throws `ProvisionError` for one of another kind. */
export function readRuntimeState<Schema extends RuntimeStateSchema>(schema: Schema, bytes: Uint8Array): Static<Schema> | undefined {
  if (bytes.length === 0) return undefined
  const state = parse(bytes)
  if (Value.Check(schema, state)) return state
  throw new ProvisionError(
    `the workspace's state was not written by the ${schema.properties.runtime.const} runtime of this version; delete the workspace with an empty state (orphan) and create it anew`,
  )
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined // refused like every other text
  }
}
