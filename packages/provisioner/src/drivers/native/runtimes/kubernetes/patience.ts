/** How long builds wait for the pod of a workspace. */
export interface Patience {
  /** Until the containers of a starting workspace run. */
  readonly startTimeoutMs: number
  /** Until a problem that rarely goes away has gone away, such as an image that can't be pulled. */
  readonly stuckTimeoutMs: number
  /** Until the pod of a stopping workspace has ended. */
  readonly stopTimeoutMs: number
}

export const defaultPatience: Patience = { startTimeoutMs: 600_000, stuckTimeoutMs: 60_000, stopTimeoutMs: 180_000 }
