import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppHostnameError, appHostLabel } from '@berth/schema/rules'
import { Failure } from '@berth/schema'
import type { Actor, Origin } from '../http/caller.ts'
import { isTrustedProxy, type TrustedProxies } from '../http/client-address.ts'
import { APP_SESSION_COOKIE, setCookieText } from '../http/cookies.ts'
import { pathOf, queryOf, queryTextOf } from '../http/request-target.ts'
import { isNavigation, sentToken, sentTokenForApp } from '../http/session-token.ts'
import { signInPage } from '../http/sign-in-redirect.ts'
import { parseAppHost, parseAppPath, type AppAddress } from './app-address.ts'
import { AppRefusal } from '../features/apps/app-refusal.ts'
import { KEY_PARAMETER, keyHostOf, withoutParameter, type AppSignIn } from '../features/apps/app-sign-in.ts'
import { redirect, type AppVisits, type Visit } from './app-visits.ts'
import { sendRefusal } from './refusal-page.ts'
import type { AppTarget } from '../features/apps/service.ts'

/** A request that may be for an app. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly origin: Origin
  readonly takeOver: () => Duplex
  readonly limit: (path: string, actor: Actor | undefined) => void
}

interface Dependencies {
  readonly visits: AppVisits
  readonly signIn: AppSignIn
  readonly accessUrl: string
  /** Undefined: apps have no hosts of their own. */
  readonly wildcardAccessUrl: string | undefined
  readonly pathApps: 'isolated' | 'same-origin' | 'off'
  /** The origin that apps by path have to themselves. Undefined: they have none. */
  readonly appsUrl: string | undefined
  readonly secureAuthCookie: boolean
  readonly trustedProxies: TrustedProxies | undefined
}

/** Browsers run no script of such a page, and treat it as a page of no site. */
const SANDBOX = 'sandbox'
/** Scripts run, but can't reach other pages of the origin. */
const FOREIGN_SANDBOX = 'sandbox allow-scripts allow-forms allow-modals allow-downloads allow-popups'

/** The doors through which people reach apps. */
export class AppFront {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Serves a request to the host of an app. Returns false for one to any other host (Coder v2 API,
   * v0.13.4).
   */
  async serveHost(arrival: Arrival): Promise<boolean> {
    const { request, response } = arrival
    const host = this.#hostOf(request)
    const label = this.#labelOf(host)
    if (label === undefined) return false
    await answer(request, response, async () => {
      const { accessUrl } = this.#dependencies
      const from = `${new URL(accessUrl).protocol}//${host}${targetOf(request)}`
      const signInUrl = (): string =>
        `${accessUrl}/api/v2/applications/auth-redirect?${new URLSearchParams({ redirect_uri: from }).toString()}`
      await this.#serveAppHost(arrival, { address: parseAppHostLabel(label, request.url), host, signInUrl })
    })
    return true
  }

  /** Whether a host name is that of an app. */
  isAppHost(request: IncomingMessage): boolean {
    return this.#labelOf(this.#hostOf(request)) !== undefined
  }

  /** Serves a request at the origin of apps by path. Returns false for any other address. */
  async serveAppsOrigin(arrival: Arrival): Promise<boolean> {
    const { request } = arrival
    return await this.#servePath(arrival, async (address) => {
      const signInUrl = (): string => `${this.#dependencies.accessUrl}${targetOf(request)}`
      await this.#serveAppHost(arrival, { address, host: this.#hostOf(request), signInUrl, sandboxOf: foreignSandbox })
    })
  }

  /** Serves a request for an app by its path. Returns false for any other path. */
  async servePath(arrival: Arrival): Promise<boolean> {
    const { request } = arrival
    if (this.#isAppsOrigin(request)) return await this.serveAppsOrigin(arrival)
    return await this.#servePath(arrival, async (address) => {
      const { visits, pathApps } = this.#dependencies
      if (pathApps === 'off') throw pathAppsOff()
      const sent = sentToken(request, queryOf(request.url))
      const isIsolated = pathApps === 'isolated' && (sent === undefined ? isBrowser(request) : sent.isFromCookie)
      await visits.serve(
        {
          ...arrival,
          address,
          sent,
          host: this.#hostOf(request),
          keyHost: undefined,
          signInUrl: () => signInPage(new Failure('signed_out'), targetOf(request)),
          ...(isIsolated && { elsewhere: async (actor) => await this.#isolatedUrl(request, actor) }),
          ...(pathApps === 'isolated' && { sandboxOf: () => SANDBOX }),
        },
        arrival.limit,
      )
    })
  }

  async #servePath({ request, response }: Arrival, serve: (address: AppAddress) => Promise<void>): Promise<boolean> {
    let isApp = true
    await answer(request, response, async () => {
      const address = parseAppPath(request.url)
      isApp = address !== undefined
      if (address !== undefined) await serve(address)
    })
    return isApp
  }

  /** Serves a request on a host for apps alone, to which keys are handed over. */
  async #serveAppHost(arrival: Arrival, visit: Pick<Visit, 'address' | 'host' | 'signInUrl' | 'sandboxOf'>): Promise<void> {
    const { visits, signIn, secureAuthCookie } = this.#dependencies
    const { request, response } = arrival
    const keyHost = keyHostOf(visit.host)
    const whole = { ...arrival, ...visit, keyHost, sent: sentTokenForApp(request, queryOf(request.url)) }
    const sealed = queryOf(request.url).get(KEY_PARAMETER)
    if (sealed === null) return await visits.serve(whole, arrival.limit)
    const token = await signIn.open(sealed, visit.host)
    if (token !== undefined) response.setHeader('Set-Cookie', setCookieText(APP_SESSION_COOKIE, token, secureAuthCookie))
    else if ((await visits.identify(whole)) === undefined) throw keyRefused()
    return redirect(response, withoutKey(request))
  }

  /**
   * Returns the address of an app at the origin of apps by path, with a key for a visitor who is
   * signed in.
   */
  async #isolatedUrl(request: IncomingMessage, actor: Actor | undefined): Promise<string> {
    const { appsUrl, signIn } = this.#dependencies
    if (appsUrl === undefined) throw noAppsOrigin()
    const url = `${appsUrl}${targetOf(request)}`
    return actor === undefined || !isNavigation(request) ? url : await signIn.urlWithKey(actor, new URL(url))
  }

  #isAppsOrigin(request: IncomingMessage): boolean {
    const { appsUrl, accessUrl, pathApps } = this.#dependencies
    if (appsUrl === undefined || pathApps !== 'isolated') return false
    const { host } = new URL(appsUrl)
    return host !== new URL(accessUrl).host && keyHostOf(this.#hostOf(request)) === keyHostOf(host)
  }

  /**
   * Returns the host that the client asked. `X-Forwarded-Host` counts if a trusted proxy sends it
   * and the settings name it, because scripts of an app can send it too.
   */
  #hostOf({ headers, socket }: IncomingMessage): string {
    const { trustedProxies } = this.#dependencies
    const forwarded = headers['x-forwarded-host']
    const peer = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const isTrusted = trustedProxies?.headers.includes('x-forwarded-host') === true && isTrustedProxy(peer, trustedProxies)
    return isTrusted && typeof forwarded === 'string' && forwarded !== '' ? forwarded : (headers.host ?? '')
  }

  /** Returns what the wildcard stands for in a host name; undefined for the host of no app. */
  #labelOf(host: string): string | undefined {
    const { wildcardAccessUrl, accessUrl } = this.#dependencies
    if (wildcardAccessUrl === undefined || nameOf(host) === nameOf(new URL(accessUrl).host) || !nameOf(host).includes('.')) return undefined
    return appHostLabel(wildcardAccessUrl, host)
  }
}

/**
 * All apps by path share an origin, so that scripts of a page could use the pages of other apps.
 */
function foreignSandbox(actor: Actor | undefined, { workspace }: AppTarget): string | undefined {
  return actor?.user_id === workspace.owner_id ? undefined : FOREIGN_SANDBOX
}

async function answer(request: IncomingMessage, response: ServerResponse, serve: () => Promise<void>): Promise<void> {
  try {
    await serve()
  } catch (error) {
    sendRefusal(error, request, response)
  }
}

function parseAppHostLabel(label: string, target: string | undefined): AppAddress {
  try {
    return parseAppHost(label, target)
  } catch (error) {
    if (!(error instanceof AppHostnameError)) throw error
    throw new AppRefusal({
      status: 400,
      // The wire fixes the beginning (Coder v2 API, v0.13.4).
      message: `Could not parse subdomain application URL ${JSON.stringify(label)}.`,
      advice: 'Write it as <app or port>--<agent>--<workspace>--<user>.',
      cause: error,
    })
  }
}

/** Returns path and query of a request without the key that it brings. */
function withoutKey({ url }: IncomingMessage): string {
  // Browsers read two slashes at the start, of either kind, as the start of another host.
  const path = pathOf(url).replace(/^(?=\/[/\\])/, '/.')
  return `${path}${withoutParameter(queryTextOf(url), KEY_PARAMETER)}`
}

/** Returns path and query of a request, without the host that proxies may write before them. */
function targetOf({ url }: IncomingMessage): string {
  return `${pathOf(url)}${queryTextOf(url)}`
}

/** Whether a request looks like a browser's. Every browser says one of these. */
function isBrowser({ headers }: IncomingMessage): boolean {
  const { accept = '', cookie, origin, 'sec-fetch-mode': mode, 'user-agent': agent = '' } = headers
  return cookie !== undefined || origin !== undefined || mode !== undefined || accept.includes('text/html') || agent.startsWith('Mozilla/')
}

function nameOf(host: string): string {
  return host
    .trim()
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\.+|\.+$/g, '')
}

function keyRefused(): AppRefusal {
  return new AppRefusal({
    status: 400,
    message: 'This link to sign in to the app has expired or has been used before.',
    advice: 'Open the app again from its own address.',
  })
}

function pathAppsOff(): AppRefusal {
  return new AppRefusal({
    status: 404,
    message: 'Apps have no addresses with paths on this deployment.',
    advice: 'Open the app on its sub-domain, or ask an administrator to change BERTH_PATH_APPS.',
  })
}

function noAppsOrigin(): AppRefusal {
  return new AppRefusal({
    status: 404,
    message: 'This app can be opened in a browser only on an origin that apps have to themselves, and this deployment has none.',
    advice: 'Ask an administrator to set BERTH_APPS_ACCESS_URL to the URL at which browsers reach BERTH_APPS_ADDRESS.',
  })
}
