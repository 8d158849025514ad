/** The longest pause between two attempts, in milliseconds: an agent is back within 2 s of its server's return. */
export const longestPauseMs = 1_500

/** Pause before attempt `failures + 1`, in milliseconds: exponential with full jitter, at most 100 ms the first time. `random` gives [0, 1). */
export function backOffMs(failures: number, random: () => number): number {
  return random() * Math.min(longestPauseMs, 100 * 2 ** Math.max(0, failures - 1))
}

/** What went wrong with an attempt, as far as the pause depends on it. */
export interface FailedAttempt {
  /** How many failed in a row, this one included. */
  failures: number
  /** HTTP status of the refusal; undefined when there was no answer. */
  status?: number | undefined
  /** The server said that a newer build has replaced this agent's. */
  outdated: boolean
  /** Since the agent started, in milliseconds. */
  uptimeMs: number
}

const startUpMs = 5_000
const hopelessAfterMs = 60_000

/**
 * Pause before the next attempt, in milliseconds.
 *
 * A refused token right after the start is normal (the build that brought the agent up may not be stored yet) and tried again at once; later it means
 * that the workspace is gone, and the server need not hear of it every second. An outdated build stays outdated.
 */
export function pauseMs(attempt: FailedAttempt, random: () => number): number {
  const refused = attempt.status === 401
  if (refused && attempt.uptimeMs < startUpMs) return 50 + random() * 50
  if (attempt.outdated || (refused && attempt.uptimeMs > hopelessAfterMs)) return 10_000 + random() * 10_000
  return backOffMs(attempt.failures, random)
}
