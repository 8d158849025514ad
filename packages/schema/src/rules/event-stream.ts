/**
 * How often the server pings an event stream (Coder v2 API, v0.13.4). A client may give up a stream
 * that stays silent for several intervals.
 */
export const eventPingIntervalMs = 15_000
