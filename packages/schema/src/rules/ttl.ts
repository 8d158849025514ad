const MINUTE_MS = 60_000
const MAX_TTL_MS = 7 * 24 * 60 * MINUTE_MS

/** What is wrong with a time until shutdown; the message is the `detail` of the validation of `ttl_ms` (Coder v2 API, v0.13.4). */
export class TtlError extends Error {
  override readonly name = 'TtlError'
}

/**
 * Checks the time after which a workspace stops by itself. 0, null and absent stand for "never" and are the caller's to tell apart.
 *
 * @param ttlMs in milliseconds; it is cut down to whole minutes first, so that 7 days and 59 seconds pass.
 * @returns the cut value, from 1 minute to 7 days, which is the one to store.
 * @throws TtlError below 1 minute or above 7 days.
 */
export function checkTtl(ttlMs: number): number {
  const wholeMinutesMs = Math.trunc(ttlMs / MINUTE_MS) * MINUTE_MS
  if (!(wholeMinutesMs >= MINUTE_MS)) throw new TtlError('time until shutdown must be at least one minute')
  if (wholeMinutesMs > MAX_TTL_MS) throw new TtlError('time until shutdown must be less than 7 days')
  return wholeMinutesMs
}
