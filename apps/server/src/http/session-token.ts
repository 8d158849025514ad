import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { APP_SESSION_COOKIE, CSRF_COOKIE, SESSION_COOKIE, readCookies } from './cookies.ts'

const SESSION_HEADER = 'coder-session-token'
const CSRF_HEADER = 'x-csrf-token'
export const CSRF_TOKEN_BYTES = 32

/** A token as a request carries it. */
export interface SentToken {
  readonly token: string
  /** Browsers add cookies by themselves, so another site may have caused the request. */
  readonly isFromCookie: boolean
}

/**
 * Finds the session or agent token of a request. The first non-empty one wins: session cookie,
 * query parameter, header, app cookie (Coder v2 API, v0.13.4).
 */
export function sentToken(request: IncomingMessage, query: URLSearchParams): SentToken | undefined {
  const cookie = readCookies(request)[SESSION_COOKIE]
  return cookie ? { token: cookie, isFromCookie: true } : sentTokenForApp(request, query)
}

/**
 * Finds the token of a request to a host of apps, as {@link sentToken} does. The session cookie
 * doesn't count there: it is for the server's own pages.
 */
export function sentTokenForApp(request: IncomingMessage, query: URLSearchParams): SentToken | undefined {
  const parameter = query.get(SESSION_COOKIE)
  if (parameter) return { token: parameter, isFromCookie: false }
  const header = request.headers[SESSION_HEADER]
  if (typeof header === 'string' && header !== '') return { token: header, isFromCookie: false }
  const appCookie = readCookies(request)[APP_SESSION_COOKIE]
  return appCookie ? { token: appCookie, isFromCookie: true } : undefined
}

/** Whether a text has the form of a token (Coder v2 API, v0.13.4, "token format"). */
export function isToken(text: string | undefined): boolean {
  return text !== undefined && /^[^-]{10}-[^-]{22}$/.test(text)
}

/**
 * Whether a request with a token in a cookie comes from one of this server's own pages, or from a
 * program that knows a secret no foreign page can read: the session token or the CSRF token.
 */
export function isOwnRequest(request: IncomingMessage, query: URLSearchParams): boolean {
  return isSameOrigin(request) || repeatsSessionToken(request, query) || hasCsrfToken(request)
}

/**
 * Whether a page of another site sent a request. Browsers say where a write comes from; programs
 * don't.
 */
export function isFromOtherSite(request: IncomingMessage, query: URLSearchParams): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  // `none` is a visitor who typed the address.
  const isFromPage = site === undefined ? origin !== undefined : site !== 'none'
  return isFromPage && !isOwnRequest(request, query)
}

/** Whether a request asks for a page to show, rather than for something on a page. */
export function isNavigation({ method, headers }: IncomingMessage): boolean {
  const { 'sec-fetch-mode': mode, upgrade } = headers
  return (method === 'GET' || method === 'HEAD') && (mode === undefined ? upgrade === undefined : mode === 'navigate')
}

/**
 * Whether a page of another host sent a request in order to use the cookies of this one. Browsers
 * send them along from all hosts of one domain, and from all ports of one host.
 */
export function isFromOtherHost(request: IncomingMessage, host: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (site !== undefined) return site !== 'same-origin' && site !== 'none' && !isNavigation(request)
  return origin !== undefined && !isOriginOf(host, origin)
}

function isSameOrigin(request: IncomingMessage): boolean {
  const { origin, host, 'sec-fetch-site': site } = request.headers
  if (site !== undefined) return site === 'same-origin'
  return origin !== undefined && host !== undefined && isOriginOf(host, origin)
}

function isOriginOf(host: string, origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).host.toLowerCase() === host.toLowerCase()
}

function repeatsSessionToken(request: IncomingMessage, query: URLSearchParams): boolean {
  const cookie = readCookies(request)[SESSION_COOKIE]
  return cookie !== undefined && cookie !== '' && (request.headers[SESSION_HEADER] === cookie || query.get(SESSION_COOKIE) === cookie)
}

/**
 * Whether the CSRF header matches the CSRF cookie. The header holds the cookie's token as it is, or
 * masked: a random pad followed by the token XORed with the pad (Coder v2 API, v0.13.4).
 */
function hasCsrfToken(request: IncomingMessage): boolean {
  const header = request.headers[CSRF_HEADER]
  const cookie = Buffer.from(readCookies(request)[CSRF_COOKIE] ?? '', 'base64')
  if (typeof header !== 'string' || cookie.length !== CSRF_TOKEN_BYTES) return false
  const sent = Buffer.from(header, 'base64')
  const token = sent.length === 2 * CSRF_TOKEN_BYTES ? unmasked(sent) : sent
  return token.length === CSRF_TOKEN_BYTES && timingSafeEqual(token, cookie)
}

function unmasked(masked: Buffer): Buffer {
  return Buffer.from(masked.subarray(CSRF_TOKEN_BYTES).map((byte, index) => byte ^ (masked[index] ?? 0)))
}
