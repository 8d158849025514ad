import type { ClientConfig } from 'pg'
import { columnValues } from './column-values.ts'

/**
 * A connection URL that can't be used. The message quotes none of it, because it may hold a
 * password.
 */
export class ConnectionUrlError extends Error {
  override readonly name = 'ConnectionUrlError'
}

/**
 * Makes a session use UTC and the formats that {@link columnValues} reads, whatever the server's
 * defaults are.
 */
const SESSION_OPTIONS = '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex'

const KEEP_ALIVE_DELAY_MS = 10_000
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Returns the settings of `pg` for one connection to
 * `postgresql://user:password@host:5432/database?sslmode=…`. For a socket, the parameter `host` is
 * its folder.
 *
 * @throws {@link ConnectionUrlError}
 */
export function connectionConfig(connectionUrl: string, options: { statementTimeoutMs: number }): ClientConfig {
  const url = parseConnectionUrl(connectionUrl)
  const own = url.searchParams.get('options')
  // The options go into the URL, because `pg` prefers it to the setting beside it.
  url.searchParams.set('options', own === null ? SESSION_OPTIONS : `${own} ${SESSION_OPTIONS}`)
  if (!url.searchParams.has('application_name')) url.searchParams.set('application_name', 'berth')
  return {
    connectionString: url.href,
    types: columnValues(),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...(options.statementTimeoutMs > 0 ? { statement_timeout: options.statementTimeoutMs } : {}),
  }
}

/** Names the database and host of a URL for messages, without user and password. */
export function describeConnection(connectionUrl: string): string {
  const url = parseConnectionUrl(connectionUrl)
  const host = url.searchParams.get('host') ?? url.host
  return `database ${url.pathname.slice(1) || '(default)'} at ${host || 'localhost'}`
}

/** Returns the URL of another database on the same server. */
export function withDatabase(connectionUrl: string, database: string): string {
  const url = parseConnectionUrl(connectionUrl)
  url.pathname = `/${database}`
  return url.href
}

function parseConnectionUrl(connectionUrl: string): URL {
  if (!/^postgres(ql)?:\/\//.test(connectionUrl)) {
    throw new ConnectionUrlError('The PostgreSQL connection URL must start with postgres:// or postgresql://.')
  }
  try {
    return new URL(connectionUrl.replace('@/', '@localhost/')) // libpq allows a user without a host, URL doesn't
  } catch {
    throw new ConnectionUrlError('The PostgreSQL connection URL can’t be read. Percent-encode special characters in the password.')
  }
}
