/*
 * Channels between the servers on one database. A message only wakes its listeners; the tables say
 * what has changed.
 */

/** A job was queued. No payload. */
export const QUEUE_CHANNEL = 'provisioner_jobs'
/** A job has new log entries, or has ended. Payload: its ID. */
export const JOB_LOGS_CHANNEL = 'provisioner_job_logs'
/** A workspace has visibly changed. Payload: its ID. */
export const WORKSPACES_CHANNEL = 'workspaces'
/** A user was signed out, suspended or deleted, or has a new password. Payload: the user's ID. */
export const SESSIONS_CHANNEL = 'sessions_ended'
/** A user has signed in at a git host. Payload: the user's ID. */
export const GIT_AUTH_CHANNEL = 'git_auth'
/** The encryption keys were rotated. No payload. */
export const SECRETS_CHANNEL = 'secrets'
/**
 * An agent or a client of the reference has a new node, or looks for the other end. Payload: JSON
 * with what is new, since nodes are kept in no table.
 */
export const NODES_CHANNEL = 'nodes'
/** The coordinator has met agents or clients. Payload: IDs of their keys, separated by spaces. */
export const NODE_KEYS_CHANNEL = 'node_keys'
