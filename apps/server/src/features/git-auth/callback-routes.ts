import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure } from '@berth/schema'
import type { Actor } from '../../http/caller.ts'
import { OAUTH_REDIRECT_COOKIE, OAUTH_STATE_COOKIE, deleteCookieText, readCookies, setCookieText } from '../../http/cookies.ts'
import { queryOf } from '../../http/request-target.ts'
import type { GitAuthService } from './service.ts'

const STATE_BYTES = 16
const DEFAULT_REDIRECT = '/gitauth'

interface Dependencies {
  readonly service: GitAuthService
  /** Throws `signed_out` or another failure that says why the caller isn't signed in. */
  readonly identify: (request: IncomingMessage, response: ServerResponse) => Promise<Actor>
  readonly secureAuthCookie: boolean
}

/**
 * Handles `GET /gitauth/<provider>/callback`. Without a code it sends the browser to the git host;
 * with a code, which the git host adds on the way back, it stores the caller's token. Resolves with
 * false when the provider doesn't exist.
 */
export function gitAuthCallback({ service, identify, secureAuthCookie }: Dependencies) {
  return async (request: IncomingMessage, response: ServerResponse, providerId: string): Promise<boolean> => {
    const provider = service.findProvider(providerId)
    if (provider === undefined) return false
    const { user_id } = await identify(request, response)
    const query = queryOf(request.url)
    const code = query.get('code') ?? ''
    if (code === '') {
      const state = randomBytes(STATE_BYTES).toString('hex')
      const path = encodeURIComponent(ownPath(query.get('redirect')) ?? '')
      response.appendHeader('Set-Cookie', setCookieText(OAUTH_STATE_COOKIE, state, secureAuthCookie))
      response.appendHeader('Set-Cookie', setCookieText(OAUTH_REDIRECT_COOKIE, path, secureAuthCookie))
      redirect(response, service.signInUrl(provider, state))
      return true
    }
    checkState(request, query.get('state') ?? '')
    await service.link(provider, user_id, code)
    for (const name of [OAUTH_STATE_COOKIE, OAUTH_REDIRECT_COOKIE])
      response.appendHeader('Set-Cookie', deleteCookieText(name, secureAuthCookie))
    redirect(response, ownPath(decoded(readCookies(request)[OAUTH_REDIRECT_COOKIE])) ?? DEFAULT_REDIRECT)
    return true
  }
}

/**
 * Checks that the code came back to the browser that asked for it. Without this check, an attacker
 * could make somebody use the attacker's account.
 */
function checkState(request: IncomingMessage, state: string): void {
  if (state === '') throw new Failure('invalid_query', { message: 'State must be provided.' })
  const expected = readCookies(request)[OAUTH_STATE_COOKIE] ?? ''
  if (expected === '') throw new Failure('signed_out', { message: `Cookie "${OAUTH_STATE_COOKIE}" must be provided.` })
  const [given, kept] = [Buffer.from(state), Buffer.from(expected)]
  if (given.length !== kept.length || !timingSafeEqual(given, kept)) throw new Failure('signed_out', { message: 'State mismatched.' })
}

/**
 * Returns a text that is a path on this server; undefined for what a browser could read as a host.
 */
function ownPath(text: string | null | undefined): string | undefined {
  return text !== null && text !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(text) ? text : undefined
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function redirect(response: ServerResponse, location: string): void {
  response.statusCode = 307
  response.setHeader('Location', location)
  response.end()
}
