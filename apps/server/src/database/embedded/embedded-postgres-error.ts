/**
 * The embedded database cannot start, for a reason the person running Berth can do something about.
 *
 * The message is one or two plain sentences: what is wrong, where, and what to do.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'
}

/** What to do where the embedded server can't run at all. */
export const USE_OUTSIDE_POSTGRES = 'Set BERTH_PG_CONNECTION_URL to a PostgreSQL server (13 or later) instead.'
