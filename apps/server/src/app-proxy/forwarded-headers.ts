import type { IncomingMessage } from 'node:http'
import {
  APP_SESSION_COOKIE,
  CSRF_COOKIE,
  OAUTH_REDIRECT_COOKIE,
  OAUTH_STATE_COOKIE,
  OAUTH_VERIFIER_COOKIE,
  SESSION_COOKIE,
} from '../http/cookies.ts'
import { withoutParameter } from '../features/apps/app-sign-in.ts'

/** Where a request for an app comes from. */
export interface Hop {
  /** The client's address, and that of the connection, which may be a proxy's. */
  readonly addresses: readonly string[]
  readonly host: string
  readonly protocol: 'http' | 'https'
  /** In lower case. */
  readonly proxyHeaders: readonly string[]
}

/** Cookies of the server. Apps never see them and can't set them. */
const OWN_COOKIES: ReadonlySet<string> = new Set([
  SESSION_COOKIE,
  APP_SESSION_COOKIE,
  OAUTH_STATE_COOKIE,
  OAUTH_REDIRECT_COOKIE,
  OAUTH_VERIFIER_COOKIE,
  CSRF_COOKIE,
])

/** Headers about one connection (RFC 9110, "Connection"). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/**
 * Headers that the server replaces, because clients can write anything into them, or that are for
 * the server alone. Node has answered `Expect` already.
 */
const REPLACED: ReadonlySet<string> = new Set([
  'coder-session-token',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'true-client-ip',
  'cf-connecting-ip',
])

/** Response headers that change more than the app's own pages: the cookies and TLS of the host. */
const REFUSED: ReadonlySet<string> = new Set(['clear-site-data', 'strict-transport-security', 'public-key-pins'])

const WEBSOCKET_PREFIX = 'sec-websocket-'

/** Returns the headers with which a request goes on to an app, as a flat list. */
export function headersToApp(request: IncomingMessage, hop: Hop): string[] {
  const { headers, rawHeaders, method } = request
  const dropped = namedByConnection(headers.connection)
  const sent = pairsOf(rawHeaders).flatMap(([name, value]) => {
    const key = name.toLowerCase()
    if (HOP_BY_HOP.has(key) || REPLACED.has(key) || dropped.has(key) || hop.proxyHeaders.includes(key)) return []
    if (key === 'cookie') return cookieHeader(name, value)
    return [spelled(name), value]
  })
  sent.push('X-Forwarded-For', hop.addresses.join(','), 'X-Forwarded-Host', hop.host, 'X-Forwarded-Proto', hop.protocol)
  if (isWebSocket(request)) sent.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
  if (headers.te?.includes('trailers') === true) sent.push('TE', 'trailers')
  // Node would send a body of unknown length where there is none, or none where there is one.
  if (headers['transfer-encoding'] !== undefined) sent.push('Transfer-Encoding', 'chunked')
  else if (headers['content-length'] === undefined && method !== 'GET' && method !== 'HEAD') sent.push('Content-Length', '0')
  return sent
}

/** Returns the headers with which an app's answer goes on to the client, as a flat list. */
export function headersToClient({ headers, rawHeaders }: IncomingMessage, { isUpgrade }: { readonly isUpgrade: boolean }): string[] {
  const dropped = namedByConnection(headers.connection)
  const sent = pairsOf(rawHeaders).flatMap(([name, value]) => {
    const key = name.toLowerCase()
    if (HOP_BY_HOP.has(key) || REFUSED.has(key) || dropped.has(key)) return []
    if (key === 'set-cookie' && OWN_COOKIES.has(cookieName(value))) return []
    return [name, value]
  })
  if (isUpgrade) sent.push('Connection', 'Upgrade', 'Upgrade', headers.upgrade ?? 'websocket')
  return sent
}

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/** Returns a query as the client spelled it, without the session token. */
export function queryToApp(query: string): string {
  return withoutParameter(query, SESSION_COOKIE)
}

function namedByConnection(connection = ''): ReadonlySet<string> {
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}

function pairsOf(rawHeaders: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, index) => [rawHeaders[2 * index] ?? '', rawHeaders[2 * index + 1] ?? ''])
}

function cookieHeader(name: string, value: string): string[] {
  const kept = value.split(';').filter((cookie) => !OWN_COOKIES.has(cookieName(cookie)))
  return kept.length === 0 ? [] : [name, kept.join(';').trim()]
}

function cookieName(cookie: string): string {
  return (cookie.split(/[=;]/, 1)[0] ?? '').trim()
}

/** Some servers read handshakes only in the spelling of RFC 6455. */
function spelled(name: string): string {
  if (!name.toLowerCase().startsWith(WEBSOCKET_PREFIX)) return name
  const rest = name.slice(WEBSOCKET_PREFIX.length).toLowerCase()
  return `Sec-WebSocket-${rest.charAt(0).toUpperCase()}${rest.slice(1)}`
}
