import { randomBytes } from 'node:crypto'
import type { ExternalSignInQuery, externalSignIn } from '@berth/schema'
import type { FoundByPath } from '../../found.ts'
import { Answer } from '../../http/answer.ts'
import type { Origin } from '../../http/caller.ts'
import type { Handlers } from '../../http/serve.ts'
import { OAUTH_REDIRECT_COOKIE, OAUTH_STATE_COOKIE, OAUTH_VERIFIER_COOKIE, SESSION_COOKIE } from '../../http/session-token.ts'
import { localPath } from './local-path.ts'
import type { SignInProvider } from './provider.ts'
import type { ExternalSignInService } from './service.ts'

interface Settings {
  readonly secureAuthCookie: boolean
  readonly accessUrl: string
}

interface Request {
  readonly query: ExternalSignInQuery
  readonly origin: Origin
  readonly readCookie: (name: string) => string | undefined
}

export function externalSignInRoutes<Agent>(
  service: ExternalSignInService,
  settings: Settings,
): Handlers<typeof externalSignIn, FoundByPath, Agent> {
  const answer = async (loginType: SignInProvider['loginType'], request: Request): Promise<Answer> => {
    const { code = '', error = '' } = request.query
    const isBack = code !== '' || error !== ''
    return await (isBack ? finish(service, loginType, { request, settings }) : begin(service, loginType, { request, settings }))
  }
  return {
    github: async (request) => await answer('github', request),
    oidc: async (request) => await answer('oidc', request),
  }
}

interface Step {
  readonly request: Request
  readonly settings: Settings
}

async function begin(service: ExternalSignInService, loginType: SignInProvider['loginType'], step: Step): Promise<Answer> {
  const { request, settings } = step
  const state = randomBytes(24).toString('base64url')
  const verifier = randomBytes(32).toString('base64url')
  const location = await service.begin(loginType, { state, verifier })
  const redirect = request.query.redirect ?? ''
  const cookies = [
    cookie(OAUTH_STATE_COOKIE, state, settings),
    cookie(OAUTH_VERIFIER_COOKIE, verifier, settings),
    cookie(OAUTH_REDIRECT_COOKIE, redirect === '' ? '' : localPath(redirect, settings.accessUrl), settings),
  ]
  return new Answer(undefined, { location: location.href, cookies })
}

async function finish(service: ExternalSignInService, loginType: SignInProvider['loginType'], step: Step): Promise<Answer> {
  const { request, settings } = step
  const { query, origin, readCookie } = request
  const token = await service.finish(loginType, {
    query,
    stateCookie: readCookie(OAUTH_STATE_COOKIE),
    verifier: readCookie(OAUTH_VERIFIER_COOKIE) || undefined,
    origin,
  })
  // Whoever can set cookies for the deployment's domain could set this one too, so it is looked at again.
  const location = localPath(readCookie(OAUTH_REDIRECT_COOKIE) ?? '', settings.accessUrl)
  const spent = [OAUTH_STATE_COOKIE, OAUTH_VERIFIER_COOKIE, OAUTH_REDIRECT_COOKIE].map((name) => `${cookie(name, '', settings)}; Max-Age=0`)
  return new Answer(undefined, { location, cookies: [cookie(SESSION_COOKIE, token, settings), ...spent] })
}

function cookie(name: string, value: string, { secureAuthCookie }: Settings): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secureAuthCookie ? '; Secure' : ''}`
}
