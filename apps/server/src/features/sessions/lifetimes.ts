const HOUR_MS = 3_600_000
const DAY_SECONDS = 86_400

/** The lifetime of a session that starts with signing in, by password or with a provider. */
export const SESSION_LIFETIME_SECONDS = DAY_SECONDS
/** The lifetime of a session key for a command line, and the longest lifetime of an app key. */
export const KEY_LIFETIME_SECONDS = 7 * DAY_SECONDS
/** The lifetime of a token whose creator names none, unless the deployment's maximum is shorter. */
export const TOKEN_LIFETIME_MS = 30 * 24 * HOUR_MS

/**
 * How much of its lifetime a key loses before a use gives it the whole lifetime again, and how long
 * it goes unused before a use is recorded. It spares most requests a write.
 */
export const TOUCH_INTERVAL_MS = HOUR_MS

/** How long an encrypted app key may travel through the address bar before it expires. */
export const APP_KEY_HANDOVER_MS = 60_000
