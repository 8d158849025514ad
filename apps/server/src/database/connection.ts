import type { ClientConfig } from 'pg'
import { columnValues } from './column-values.ts'

/** A connection URL that can't be used; the message shows no part of it, because it may hold a password. */
export class ConnectionUrlError extends Error {
  override readonly name = 'ConnectionUrlError'
}

/** A session in which times are UTC and everything is spelled the way {@link columnValues} reads it, whatever the server's defaults are. */
const SESSION_OPTIONS = '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex'

const KEEP_ALIVE_DELAY_MS = 10_000
const CONNECT_TIMEOUT_MS = 10_000

/**
 * The settings of `pg` for one connection to the server at a URL (`postgresql://user:password@host:5432/database?sslmode=…`; a socket's folder
 * is the parameter `host`).
 *
 * @throws {@link ConnectionUrlError}
 */
export function connectionConfig(connectionUrl: string, options: { statementTimeoutMs: number }): ClientConfig {
  const url = parseConnectionUrl(connectionUrl)
  const own = url.searchParams.get('options')
  // In the URL and not beside it: pg lets the URL win.
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

/** Host and database of a URL, for messages: no user, no password. */
export function describeConnection(connectionUrl: string): string {
  const url = parseConnectionUrl(connectionUrl)
  const host = url.searchParams.get('host') ?? url.host
  return `database ${url.pathname.slice(1) || '(default)'} at ${host || 'localhost'}`
}

/** The URL of another database on the same server. */
export function withDatabase(connectionUrl: string, database: string): string {
  const url = parseConnectionUrl(connectionUrl)
  url.pathname = `/${database}`
  return url.href
}

function parseConnectionUrl(connectionUrl: string): URL {
  if (!/^postgres(ql)?:\/\//.test(connectionUrl)) {
    throw new ConnectionUrlError('The PostgreSQL connection URL must begin with postgres:// or postgresql://.')
  }
  try {
    return new URL(connectionUrl.replace('@/', '@localhost/')) // libpq allows a user without a host, URL does not
  } catch {
    throw new ConnectionUrlError('The PostgreSQL connection URL can’t be read. Percent-encode special characters in the password.')
  }
}
