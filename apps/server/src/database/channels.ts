/*
 * What servers on one database tell each other. A message only wakes; what has changed is in the tables.
 */

/** A job was put into the queue. No payload. */
export const QUEUE_CHANNEL = 'provisioner_jobs'
/** A job has new log entries, or has ended. Payload: its ID. */
export const JOB_LOGS_CHANNEL = 'provisioner_job_logs'
/** A workspace has changed in a way that people see. Payload: its ID. */
export const WORKSPACES_CHANNEL = 'workspaces'
/** Somebody was signed out, suspended or deleted, or has a new password. Payload: their ID. */
export const SESSIONS_CHANNEL = 'sessions_ended'
/** Somebody has signed in at a git host. Payload: their ID. */
export const GIT_AUTH_CHANNEL = 'git_auth'
/** The keys of the secrets were rotated. No payload. */
export const SECRETS_CHANNEL = 'secrets'
