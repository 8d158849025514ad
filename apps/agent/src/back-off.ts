/**
 * The longest pause before reconnecting, in milliseconds. An agent is back within 2 s of its
 * server's return.
 */
export const longestPauseMs = 1_500
const firstPauseMs = 100

/**
 * Returns the pause before attempt `failures + 1`, in milliseconds: exponential with full jitter,
 * at most 100 ms the first time.
 *
 * @param random returns a number from 0 up to, but not including, 1.
 */
export function backOffMs(failures: number, random: () => number): number {
  return random() * Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, failures - 1))
}

/** What the pause after a failed attempt to connect depends on. */
export interface FailedAttempt {
  /** How many attempts failed in a row, this one included. */
  failures: number
  /** HTTP status of the refusal; undefined when the server didn't answer. */
  status?: number | undefined
  /** Whether a newer build has replaced this agent's. */
  outdated: boolean
  /** How long the agent has been running, in milliseconds. */
  uptimeMs: number
}

/**
 * While the agent is younger than this, its token may be unknown because its build isn't stored
 * yet.
 */
const startUpMs = 5_000
const startUpPauseMs = 50
/** Once the agent is older than this, a refused token means that its workspace is gone. */
const hopelessAfterMs = 60_000
const hopelessPauseMs = 10_000

/**
 * Returns the pause before the next attempt to connect, in milliseconds: short for a token refused
 * right after the start, long when trying again is unlikely to help.
 *
 * @param random returns a number from 0 up to, but not including, 1.
 */
export function pauseMs(attempt: FailedAttempt, random: () => number): number {
  const refused = attempt.status === 401
  if (refused && attempt.uptimeMs < startUpMs) return startUpPauseMs * (1 + random())
  if (attempt.outdated || (refused && attempt.uptimeMs > hopelessAfterMs)) return hopelessPauseMs * (1 + random())
  return backOffMs(attempt.failures, random)
}

const firstSignInPauseMs = 1_000
const longestSignInPauseMs = 30_000

/**
 * Returns the pause before a machine's next attempt to sign in, in milliseconds. The server has to
 * verify each proof, so a machine that it doesn't know asks seldom.
 *
 * @param random returns a number from 0 up to, but not including, 1.
 */
export function signInPauseMs(failures: number, random: () => number): number {
  return Math.min(longestSignInPauseMs, firstSignInPauseMs * 2 ** (failures - 1)) * (0.5 + random() / 2)
}
