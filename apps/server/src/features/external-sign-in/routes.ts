import { randomBytes } from 'node:crypto'
import type { ExternalSignInQuery, externalSignIn } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import { Answer } from '../../http/answer.ts'
import type { Origin } from '../../http/caller.ts'
import {
  OAUTH_REDIRECT_COOKIE,
  OAUTH_STATE_COOKIE,
  OAUTH_VERIFIER_COOKIE,
  SESSION_COOKIE,
  deleteCookieText,
  setCookieText,
} from '../../http/cookies.ts'
import type { Handlers } from '../../http/serve.ts'
import { localPath } from './local-path.ts'
import type { SignInProvider } from './provider.ts'
import type { ExternalSignInService } from './service.ts'

const STATE_BYTES = 24
const VERIFIER_BYTES = 32

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
  const { secureAuthCookie, accessUrl } = settings
  const state = randomBytes(STATE_BYTES).toString('base64url')
  const verifier = randomBytes(VERIFIER_BYTES).toString('base64url')
  const location = await service.begin(loginType, { state, verifier })
  const redirect = request.query.redirect ?? ''
  const cookies = [
    setCookieText(OAUTH_STATE_COOKIE, state, secureAuthCookie),
    setCookieText(OAUTH_VERIFIER_COOKIE, verifier, secureAuthCookie),
    setCookieText(OAUTH_REDIRECT_COOKIE, redirect === '' ? '' : localPath(redirect, accessUrl), secureAuthCookie),
  ]
  return new Answer(undefined, { location: location.href, cookies })
}

async function finish(service: ExternalSignInService, loginType: SignInProvider['loginType'], step: Step): Promise<Answer> {
  const { request, settings } = step
  const { secureAuthCookie, accessUrl } = settings
  const { query, origin, readCookie } = request
  const token = await service.finish(loginType, {
    query,
    stateCookie: readCookie(OAUTH_STATE_COOKIE),
    verifier: readCookie(OAUTH_VERIFIER_COOKIE) || undefined,
    origin,
  })
  // Another site on the deployment's domain could have set this cookie, so it is checked again.
  const location = localPath(readCookie(OAUTH_REDIRECT_COOKIE) ?? '', accessUrl)
  const cookies = [
    setCookieText(SESSION_COOKIE, token, secureAuthCookie),
    ...[OAUTH_STATE_COOKIE, OAUTH_VERIFIER_COOKIE, OAUTH_REDIRECT_COOKIE].map((name) => deleteCookieText(name, secureAuthCookie)),
  ]
  return new Answer(undefined, { location, cookies })
}
