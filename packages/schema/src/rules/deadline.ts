const MINUTE_MS = 60_000

/**
 * How far ahead of now a new deadline must be, as the error text says (Coder v2 API, v0.13.4:
 * extending a workspace).
 */
export const minExtensionMs = 30 * MINUTE_MS
/** How far ahead a deadline is still accepted, which leaves time for the request to arrive. */
export const minAcceptedExtensionMs = minExtensionMs - MINUTE_MS
