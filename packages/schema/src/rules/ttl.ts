const MINUTE_MS = 60_000
/** The shortest time until shutdown. */
export const minTtlMs = MINUTE_MS
/** The longest time until shutdown. */
export const maxTtlMs = 7 * 24 * 60 * MINUTE_MS

/**
 * A time until shutdown is out of bounds. The message is the `detail` of the validation of `ttl_ms`
 * (Coder v2 API, v0.13.4).
 */
export class TtlError extends Error {
  override readonly name = 'TtlError'
}

/**
 * Checks the time after which a workspace stops automatically. The caller handles 0, null and
 * absent, which stand for "never".
 *
 * @param ttlMs milliseconds. Rounded down to whole minutes before the check, so the longest time
 *   plus 59 seconds passes.
 * @returns the rounded value, which is the one to store.
 * @throws TtlError below {@link minTtlMs} or above {@link maxTtlMs}.
 */
export function checkTtl(ttlMs: number): number {
  const wholeMinutesMs = Math.trunc(ttlMs / MINUTE_MS) * MINUTE_MS
  if (!(wholeMinutesMs >= minTtlMs)) throw new TtlError('time until shutdown must be at least one minute')
  if (wholeMinutesMs > maxTtlMs) throw new TtlError('time until shutdown must be less than 7 days')
  return wholeMinutesMs
}
