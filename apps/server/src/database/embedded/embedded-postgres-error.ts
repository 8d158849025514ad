import { MINIMUM_POSTGRES_MAJOR } from '../migrate.ts'

/** The embedded database can't start. The message says what is wrong, where, and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'
}

/** The advice for systems that can't run the embedded server. */
export const USE_OUTSIDE_POSTGRES = `Set BERTH_PG_CONNECTION_URL to a PostgreSQL server (${MINIMUM_POSTGRES_MAJOR} or later) instead.`
