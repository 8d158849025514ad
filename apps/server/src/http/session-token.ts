import type { IncomingMessage } from 'node:http'

export const SESSION_COOKIE = 'coder_session_token'
export const APP_SESSION_COOKIE = 'coder_devurl_session_token'
export const CSRF_COOKIE = 'csrf_token'
const SESSION_HEADER = 'coder-session-token'

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

/** Whether a browser says that the request comes from a page of this very server. */
export function isSameOrigin(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = request.headers
  if (origin === undefined || host === undefined) return false
  return URL.canParse(origin) && new URL(origin).host.toLowerCase() === host.toLowerCase()
}
