import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** While somebody is on the way to a sign-in provider and back. */
export const OAUTH_STATE_COOKIE = 'oauth_state'
export const OAUTH_REDIRECT_COOKIE = 'oauth_redirect'
export const OAUTH_VERIFIER_COOKIE = 'oauth_verifier'
export const SESSION_COOKIE = 'coder_session_token'
export const APP_SESSION_COOKIE = 'coder_devurl_session_token'
/** Of clients older than the wire; it signs nobody in any more. */
export const OLD_SESSION_COOKIE = 'session_token'
export const CSRF_COOKIE = 'csrf_token'
const SESSION_HEADER = 'coder-session-token'
const CSRF_HEADER = 'x-csrf-token'
/** Bytes of a CSRF token. */
export const CSRF_TOKEN_BYTES = 32

/** A token and whether a browser sent it by itself, in which case another site may be behind the request. */
export interface SentToken {
  readonly token: string
  readonly isFromCookie: boolean
}

/**
 * The session or agent token of a request. The first that is not empty wins: cookie, query, header, cookie of apps (Coder v2 API, v0.13.4).
 */
export function sentToken(request: IncomingMessage, query: URLSearchParams): SentToken | undefined {
  const cookies = readCookies(request)
  const cookie = cookies.get(SESSION_COOKIE)
  if (cookie) return { token: cookie, isFromCookie: true }
  const parameter = query.get(SESSION_COOKIE)
  if (parameter) return { token: parameter, isFromCookie: false }
  const header = request.headers[SESSION_HEADER]
  if (typeof header === 'string' && header !== '') return { token: header, isFromCookie: false }
  const appCookie = cookies.get(APP_SESSION_COOKIE)
  return appCookie ? { token: appCookie, isFromCookie: true } : undefined
}

/** Whether a text has the form of a token (Coder v2 API, v0.13.4, "token format"). */
export function isToken(text: string | undefined): boolean {
  return text !== undefined && /^[^-]{10}-[^-]{22}$/.test(text)
}

/** Cookies by name; the first of several equal names counts. */
export function readCookies(request: IncomingMessage): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const name = pair.slice(0, equals).trim()
    const value = pair
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
    if (!cookies.has(name)) cookies.set(name, value)
  }
  return cookies
}

/**
 * Whether a request whose token came from a cookie was made by a page of this very server, or by a program that knows a secret which no foreign page can read:
 * the session token itself, or the CSRF token of its cookie.
 */
export function isOwnRequest(request: IncomingMessage, query: URLSearchParams): boolean {
  return isSameOrigin(request) || repeatsSessionToken(request, query) || hasCsrfToken(request)
}

function isSameOrigin(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = request.headers
  if (origin === undefined || host === undefined) return false
  return URL.canParse(origin) && new URL(origin).host.toLowerCase() === host.toLowerCase()
}

function repeatsSessionToken(request: IncomingMessage, query: URLSearchParams): boolean {
  const cookie = readCookies(request).get(SESSION_COOKIE)
  return cookie !== undefined && cookie !== '' && (request.headers[SESSION_HEADER] === cookie || query.get(SESSION_COOKIE) === cookie)
}

/** The header holds the token of the cookie as it is, or masked: a pad, and the token XORed with it (Coder v2 API, v0.13.4). */
function hasCsrfToken(request: IncomingMessage): boolean {
  const header = request.headers[CSRF_HEADER]
  const cookie = Buffer.from(readCookies(request).get(CSRF_COOKIE) ?? '', 'base64')
  if (typeof header !== 'string' || cookie.length !== CSRF_TOKEN_BYTES) return false
  const sent = Buffer.from(header, 'base64')
  const token = sent.length === 2 * CSRF_TOKEN_BYTES ? unmasked(sent) : sent
  return token.length === CSRF_TOKEN_BYTES && timingSafeEqual(token, cookie)
}

function unmasked(masked: Buffer): Buffer {
  return Buffer.from(masked.subarray(CSRF_TOKEN_BYTES).map((byte, index) => byte ^ (masked[index] ?? 0)))
}
