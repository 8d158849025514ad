import { Failure } from '@berth/schema'
import { AppHostnameError, appHostLabel, parseAppHostname } from '@berth/schema/rules'
import type { Actor } from '../../http/caller.ts'
import type { SessionService } from '../sessions/service.ts'

/** The query parameter that carries the key to the host of an app (Coder v2 API, v0.13.4). */
export const KEY_PARAMETER = 'coder_application_connect_api_key_35e783'

interface Dependencies {
  readonly sessions: Pick<SessionService, 'createAppKey' | 'openAppKey'>
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
    const { wildcardAccessUrl, accessUrl } = this.#dependencies
    if (wildcardAccessUrl === undefined) throw new Failure('not_found')
    const url = appUrl(redirectUri, wildcardAccessUrl)
    url.protocol = new URL(accessUrl).protocol
    return await this.urlWithKey(actor, url)
  }

  /** Returns a URL of an app with a key for its host. */
  async urlWithKey(actor: Actor, to: URL): Promise<string> {
    const url = new URL(to)
    const key = `${KEY_PARAMETER}=${await this.#dependencies.sessions.createAppKey(actor, keyHostOf(url.host))}`
    // Drops a key that was in the URL already: it is somebody else's.
    const kept = withoutParameter(url.search, KEY_PARAMETER).slice(1)
    url.search = kept === '' ? key : `${kept}&${key}`
    return url.href
  }

  /** Returns the token of a key that came to a host; undefined if the key can't be used (again). */
  async open(sealed: string, host: string): Promise<string | undefined> {
    return await this.#dependencies.sessions.openAppKey(sealed, keyHostOf(host))
  }
}

/** Returns a host as it is stored with a key. The ports that browsers leave out are left out. */
export function keyHostOf(host: string): string {
  return host.toLowerCase().replace(/:(?:80|443)$/, '')
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

/** Returns a query without one parameter, and everything else as it was spelled. */
export function withoutParameter(query: string, name: string): string {
  const pairs = query.slice(1).split('&')
  const kept = pairs.filter((pair) => !new URLSearchParams(pair).has(name))
  if (kept.length === pairs.length) return query
  return kept.length === 0 ? '' : `?${kept.join('&')}`
}
