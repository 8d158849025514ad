import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure } from '@berth/schema'
import type { Actor } from '../../http/caller.ts'
import { queryOf } from '../../http/request-target.ts'
import { readCookies } from '../../http/session-token.ts'
import type { GitAuthService } from './service.ts'

/** Cookies of signing in at another place; apps in workspaces never see them (Coder v2 API, v0.13.4). */
const STATE_COOKIE = 'oauth_state'
const REDIRECT_COOKIE = 'oauth_redirect'
const STATE_BYTES = 16
const DEFAULT_REDIRECT = '/gitauth'

interface Dependencies {
  readonly service: GitAuthService
  /** Throws `signed_out` and its kin. */
  readonly identify: (request: IncomingMessage, response: ServerResponse) => Promise<Actor>
  readonly secureAuthCookie: boolean
}

/**
 * `GET /gitauth/<provider>/callback`: sends people to the provider, and takes the code with which it sends them back. Resolves with false where there is no
 * such provider.
 */
export function gitAuthCallback({ service, identify, secureAuthCookie }: Dependencies) {
  return async (request: IncomingMessage, response: ServerResponse, providerId: string): Promise<boolean> => {
    const provider = service.findProvider(providerId)
    if (provider === undefined) return false
    const { user_id } = await identify(request, response)
    const query = queryOf(request.url)
    const code = query.get('code') ?? ''
    const attributes = `Path=/; HttpOnly; SameSite=Lax${secureAuthCookie ? '; Secure' : ''}`
    if (code === '') {
      const state = randomBytes(STATE_BYTES).toString('hex')
      response.appendHeader('Set-Cookie', `${STATE_COOKIE}=${state}; ${attributes}`)
      response.appendHeader('Set-Cookie', `${REDIRECT_COOKIE}=${encodeURIComponent(ownPath(query.get('redirect')) ?? '')}; ${attributes}`)
      redirect(response, service.signInUrl(provider, state))
      return true
    }
    checkState(request, query.get('state') ?? '')
    await service.link(provider, user_id, code)
    for (const name of [STATE_COOKIE, REDIRECT_COOKIE]) response.appendHeader('Set-Cookie', `${name}=; Max-Age=0; ${attributes}`)
    redirect(response, ownPath(decoded(readCookies(request).get(REDIRECT_COOKIE))) ?? DEFAULT_REDIRECT)
    return true
  }
}

/** The code must come back to the browser that asked for it, or one could be made to use somebody else's account. */
function checkState(request: IncomingMessage, state: string): void {
  if (state === '') throw new Failure('invalid_query', { message: 'State must be provided.' })
  const expected = readCookies(request).get(STATE_COOKIE) ?? ''
  if (expected === '') throw new Failure('signed_out', { message: `Cookie "${STATE_COOKIE}" must be provided.` })
  const [given, kept] = [Buffer.from(state), Buffer.from(expected)]
  if (given.length !== kept.length || !timingSafeEqual(given, kept)) throw new Failure('signed_out', { message: 'State mismatched.' })
}

/** A path of this very server: nobody is sent elsewhere. */
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
