/** Tells the time; handed to whatever needs it, so that tests can move it. */
export interface Clock {
  now(): Date
}

/** The longest delay that a timer of Node.js can have. */
export const MAX_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = { now: () => new Date() }

/** An instant as the wire and the database write it. */
export function timestamp(instant: Date | number): string {
  return (typeof instant === 'number' ? new Date(instant) : instant).toISOString().replace(/\.?0*Z$/, 'Z')
}
