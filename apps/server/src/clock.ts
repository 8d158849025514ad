/** The current time. Passed in wherever time matters, so that tests can move it. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

/** Returns an instant, or milliseconds since 1970, as the API and the database write it. */
export function timestamp(instant: Date | number): string {
  return (typeof instant === 'number' ? new Date(instant) : instant).toISOString().replace(/\.?0*Z$/, 'Z')
}
