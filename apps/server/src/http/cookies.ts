import type { IncomingMessage } from 'node:http'
import { parseCookie } from 'cookie'

export const SESSION_COOKIE = 'coder_session_token'
export const APP_SESSION_COOKIE = 'coder_devurl_session_token'
/** Set by clients older than this API. It authenticates nobody; signing out deletes it. */
export const OLD_SESSION_COOKIE = 'session_token'
export const CSRF_COOKIE = 'csrf_token'

/** These three exist only while a browser is at a sign-in provider or a git host. */
export const OAUTH_STATE_COOKIE = 'oauth_state'
export const OAUTH_REDIRECT_COOKIE = 'oauth_redirect'
export const OAUTH_VERIFIER_COOKIE = 'oauth_verifier'

/**
 * Reads a request's cookies by name. The first of several equal names counts, and values aren't
 * percent-decoded.
 */
export function readCookies(request: IncomingMessage): Readonly<Record<string, string | undefined>> {
  return parseCookie(request.headers.cookie ?? '', { decode: withoutQuotes })
}

function withoutQuotes(value: string): string {
  return value.replace(/^"(.*)"$/, '$1')
}

/**
 * Returns a `Set-Cookie` value for a cookie that scripts can't read and other sites can't send with
 * a write.
 */
export function setCookieText(name: string, value: string, isSecure: boolean): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
}

/** Returns the `Set-Cookie` value that deletes what {@link setCookieText} set. */
export function deleteCookieText(name: string, isSecure: boolean): string {
  return `${setCookieText(name, '', isSecure)}; Max-Age=0`
}
