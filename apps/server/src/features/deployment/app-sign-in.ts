import { Failure } from '@berth/schema'
import { AppHostnameError, appHostLabel, parseAppHostname } from '@berth/schema/rules'
import type { Actor } from '../../http/caller.ts'
import type { SessionService } from '../sessions/service.ts'

/** The query parameter that carries the key to the host of an app (Coder v2 API, v0.13.4). */
const KEY_PARAMETER = 'coder_application_connect_api_key_35e783'

interface Dependencies {
  readonly sessions: SessionService
  /** Undefined when apps have no hosts of their own. */
  readonly wildcardAccessUrl: string | undefined
  readonly accessUrl: string
}

/** Signs users in to apps on hosts of their own, which don't get the session cookie. */
export class AppSignIn {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Returns where to send a browser that came from an app. Throws `not_found` and
   * `invalid_redirect_uri`.
   */
  async redirectUrl(actor: Actor, redirectUri: string): Promise<string> {
    const { sessions, wildcardAccessUrl, accessUrl } = this.#dependencies
    if (wildcardAccessUrl === undefined) throw new Failure('not_found')
    const url = appUrl(redirectUri, wildcardAccessUrl)
    url.protocol = new URL(accessUrl).protocol
    // Drops a key that was in the URL already: it is somebody else's.
    const kept = url.search
      .slice(1)
      .split('&')
      .filter((pair) => pair !== '' && !new URLSearchParams(pair).has(KEY_PARAMETER))
    url.search = [...kept, `${KEY_PARAMETER}=${await sessions.createAppKey(actor)}`].join('&')
    return url.href
  }
}

/** Parses the URL of an app. Keys go to apps of this deployment and nowhere else. */
function appUrl(text: string, pattern: string): URL {
  if (text === '') throw new Failure('invalid_redirect_uri', { message: 'The query parameter "redirect_uri" is missing.' })
  if (!URL.canParse(text)) throw new Failure('invalid_redirect_uri', { detail: `${JSON.stringify(text)} isn't an absolute URL.` })
  const url = new URL(text)
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new Failure('invalid_redirect_uri', { detail: 'Use http:// or https:// and no user name or password.' })
  const label = appHostLabel(pattern, url.host)
  if (label === undefined) throw new Failure('invalid_redirect_uri', { detail: `The host must be one of ${pattern}.` })
  try {
    parseAppHostname(label)
  } catch (error) {
    if (!(error instanceof AppHostnameError)) throw error
    throw new Failure('invalid_redirect_uri', { detail: error.message, cause: error })
  }
  return url
}
