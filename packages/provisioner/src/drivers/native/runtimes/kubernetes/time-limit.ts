/** A time that runs out once, and tells so by a signal. */
export interface TimeLimit {
  readonly signal: AbortSignal
  /** Lets it run from now, where it does not run yet. */
  start(ms: number): void
  /** Takes it back, where it has not run out. */
  clear(): void
}

/** Makes a limit that does not run yet. */
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
