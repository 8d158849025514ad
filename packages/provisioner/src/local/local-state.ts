import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ProvisionError } from '../driver.ts'

/**
 * What the local runtime leaves for the next build of a workspace. No secrets: tokens live in the server's table of agents and in the
 * agents' environment.
 */
export const LocalState = Type.Object({
  version: Type.Literal(1),
  runtime: Type.Literal('local'),
  workspace_id: Type.String(),
  /** The uid that belongs to the workspace alone; absent where the server isn't root. */
  uid: Type.Optional(Type.Integer({ minimum: 1 })),
  /** The agents' processes. The start time, in ticks since the machine started, tells them from later ones of the same number. */
  agents: Type.Array(Type.Object({ name: Type.String(), pid: Type.Integer({ minimum: 1 }), started_at: Type.Number() })),
})
export type LocalState = Static<typeof LocalState>

/** Writes a state. */
export function writeLocalState(state: LocalState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state))
}

/** Reads a state; undefined where there is none. Throws `ProvisionError` for one of another kind. */
export function readLocalState(bytes: Uint8Array): LocalState | undefined {
  if (bytes.length === 0) return undefined
  const state = parse(new TextDecoder().decode(bytes))
  if (Value.Check(LocalState, state)) return state
  throw new ProvisionError(
    "the workspace's state was not written by the local runtime of this version; delete the workspace with an empty state (orphan) and create it anew",
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // refused below like every other text
  }
}
