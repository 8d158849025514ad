/** How often a built-in daemon sends a heartbeat for its job (Coder v2 API, v0.13.4). */
export const HEARTBEAT_INTERVAL_MS = 500

/** The lease of a job: a daemon that is silent for longer loses the job (Coder v2 API, v0.13.4). */
export const JOB_LEASE_MS = 30_000

/**
 * How long a daemon retries a report while the database is away: until shortly before its lease
 * ends.
 */
export const REPORT_RETRY_MS = JOB_LEASE_MS - 2_000

/**
 * The silence after which a daemon's server is checked. If the server is dead, the job fails early.
 */
export const SUSPICIOUS_SILENCE_MS = 6 * HEARTBEAT_INTERVAL_MS
