/** How often each end pings the other, in milliseconds. */
export const pingIntervalMs = 5_000

/** How many ping intervals may pass without a byte from the peer before it counts as dead. */
const silentIntervals = 3

/**
 * How long a peer that is pinged this often may be silent before it counts as dead, in
 * milliseconds.
 */
export function deadAfterMs(intervalMs: number): number {
  return silentIntervals * intervalMs
}
