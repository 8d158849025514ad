import { Type, type Static } from '@sinclair/typebox'

/**
 * The state of a workspace on the local runtime. It contains no secrets: tokens are only in the
 * server's table of agents and in the agents' environment.
 */
export const LocalState = Type.Object({
  version: Type.Literal(1),
  runtime: Type.Literal('local'),
  workspace_id: Type.String(),
  /** The uid that only this workspace has. Absent if the server isn't root. */
  uid: Type.Optional(Type.Integer({ minimum: 1 })),
  /**
   * The agents' processes. The start time, in ticks since boot, distinguishes them from later
   * processes with the same pid.
   */
  agents: Type.Array(Type.Object({ name: Type.String(), pid: Type.Integer({ minimum: 1 }), started_at: Type.Number() })),
})
export type LocalState = Static<typeof LocalState>
