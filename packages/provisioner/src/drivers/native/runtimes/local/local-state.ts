import { Type, type Static } from '@sinclair/typebox'

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
