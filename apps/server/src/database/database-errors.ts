import { DatabaseError } from 'pg'

/**
 * SQLSTATEs of a server that shuts down or isn't up yet: admin_shutdown, crash_shutdown,
 * cannot_connect_now, database_dropped.
 */
const UNAVAILABLE_STATES = new Set(['57P01', '57P02', '57P03', '57P04'])

const UNREACHABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** Errors of `pg` that have no code. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect|timeout expired|Cannot use a pool after calling end)/

/**
 * Whether the database was unreachable or the connection broke, so that a retry may succeed. A
 * statement that was running may or may not have taken effect.
 */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException // undefined when there is none
  if (error instanceof DatabaseError) return code !== undefined && (UNAVAILABLE_STATES.has(code) || code.startsWith('08'))
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isConnectionError)
  return (code !== undefined && UNREACHABLE_CODES.has(code)) || CONNECTION_MESSAGES.test(error.message)
}

/** Whether the database, or the file system of this process, has no space left. */
export function isStorageFullError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException // undefined when there is none
  return error instanceof DatabaseError ? code === '53100' : code === 'ENOSPC' || code === 'EDQUOT'
}

/**
 * Whether the transaction lost against another one (serialization failure or deadlock), so that a
 * retry may succeed.
 */
export function isSerializationError(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')
}

/**
 * Whether a prepared statement no longer fits its table, because a migration ran after it was
 * prepared.
 */
export function isStalePlanError(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '0A000' && /cached plan must not change result type/.test(error.message)
}

/**
 * Returns the name of the unique, foreign key, check or exclusion constraint that a statement
 * violated; undefined for any other error.
 */
export function violatedConstraint(error: unknown): string | undefined {
  return error instanceof DatabaseError && error.code !== undefined && /^23(505|503|514|P01)$/.test(error.code)
    ? error.constraint
    : undefined
}
