/** A timer that aborts a signal. */
export interface TimeLimit {
  readonly signal: AbortSignal
  /** Starts the timer unless it is running. */
  start(ms: number): void
  /** Stops the timer. */
  clear(): void
}

/** Creates a time limit that is not running. */
export function createTimeLimit(): TimeLimit {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  return {
    signal: controller.signal,
    start(ms) {
      timer ??= setTimeout(() => controller.abort(), ms)
    },
    clear() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
