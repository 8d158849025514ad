import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { Failure } from '@berth/schema'
import { TunnelClosed, TunnelRefusal } from '@berth/tunnel'
import type { Actor, Origin } from '../http/caller.ts'
import { isTrustedProxy, type TrustedProxies } from '../http/client-address.ts'
import type { OpenConnections } from '../http/open-connections.ts'
import { forward } from './forward.ts'
import { isFromOtherHost, type SentToken } from '../http/session-token.ts'
import type { SessionService } from '../features/sessions/service.ts'
import type { AppAddress } from './app-address.ts'
import type { Admissions } from './admissions.ts'
import type { AppConnections } from './app-connections.ts'
import { AppRefusal, appNotFound } from '../features/apps/app-refusal.ts'
import { parseAppUrl, pathAtApp } from './app-url.ts'
import { SharedVisits } from './shared-visits.ts'
import type { AppService, AppTarget, NamedApp } from '../features/apps/service.ts'

/** A request for an app, and what depends on the way in which it came. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly origin: Origin
  readonly address: AppAddress
  readonly sent: SentToken | undefined
  /** The host that the client asked, as the app sees it. */
  readonly host: string
  /** The host on which keys handed over to it work. Undefined: none works. */
  readonly keyHost: string | undefined
  /** Takes the client's connection over after a switch of protocols. */
  readonly takeOver: () => Duplex
  /** Where a visitor signs in who isn't signed in. */
  readonly signInUrl: () => string
  /** Returns where the visitor has to go to open the app. Undefined: it opens here. */
  readonly elsewhere?: (actor: Actor | undefined) => Promise<string | undefined>
  /** Returns the sandbox that browsers put the app's pages into. Undefined: none. */
  readonly sandboxOf?: (actor: Actor | undefined, target: AppTarget) => string | undefined
}

interface Dependencies {
  readonly service: AppService
  readonly sessions: Pick<SessionService, 'identify'>
  readonly openSessions: OpenConnections
  readonly connections: AppConnections
  readonly admissions: Admissions
  readonly trustedProxies: TrustedProxies | undefined
  readonly accessUrl: string
}

const NOTHING = (): void => {}

/** Counts a request. Throws `rate_limited`. */
type Limit = (path: string, actor: Actor | undefined) => void

/** Takes requests to apps, whichever way they come. */
export class AppVisits {
  readonly #dependencies: Dependencies
  readonly #open = new Set<Duplex>()
  readonly #shared = new SharedVisits(async ({ address, actor }) => await this.#mayOpen(address, actor))

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Answers a request for an app: with the app, a redirect, or by throwing what keeps the visitor
   * from it.
   */
  async serve(visit: Visit, limit: Limit): Promise<void> {
    const { service, openSessions } = this.#dependencies
    const { address, response } = visit
    const since = openSessions.moment
    const { known, remember } = this.#dependencies.admissions.at(keyOf(visit))
    const actor = known === undefined ? await this.identify(visit) : known.actor && { ...known.actor, origin: visit.origin }
    limit(`${address.base === '' ? visit.host : address.base}${address.path}`, actor)
    if (actor === undefined && address.user === 'me') return redirect(response, visit.signInUrl())
    const target = known?.target ?? (await service.find(address, actor))
    if (known === undefined) remember({ actor, target })
    if (!service.mayOpen(actor, target)) {
      if (actor === undefined) return redirect(response, visit.signInUrl())
      throw appNotFound()
    }
    const elsewhere = await visit.elsewhere?.(actor)
    if (elsewhere !== undefined) return redirect(response, elsewhere)
    const url = parseAppUrl(target.url)
    if (address.path === '') return redirect(response, `${address.base}/${address.query}`)
    if (address.path === '/' && address.query === '' && url.query !== '') return redirect(response, `${address.base}/${url.query}`)
    const release = this.#hold(visit, { actor, target, since })
    response.once('close', release)
    await this.#forward(visit, target, { url, actor, release })
  }

  /** Cuts off the connections that have switched protocols. */
  close(): void {
    for (const connection of this.#open) connection.destroy()
    this.#dependencies.connections.destroy()
  }

  /** Returns the visitor; undefined for those who aren't signed in to this host. */
  async identify({ request, origin, sent, host, keyHost }: Omit<Visit, 'address' | 'signInUrl'>): Promise<Actor | undefined> {
    const token = tokenOf({ request, sent, host })
    if (token === undefined) return undefined
    try {
      const actor = await this.#dependencies.sessions.identify(token, origin)
      return actor.app_host === undefined || actor.app_host === keyHost ? actor : undefined
    } catch (error) {
      if (Failure.is(error) && error.status === 401) return undefined
      throw error
    }
  }

  /** Ends visits to the shared ports of a workspace, or of any, that are shared no more. */
  async recheckShares(workspaceId?: string): Promise<void> {
    await this.#shared.recheck(workspaceId)
  }

  /** Ends what a visitor has open when their session ends, or the sharing of a port. */
  #hold(
    { request, address }: Visit,
    { actor, target, since }: { readonly actor: Actor | undefined; readonly target: AppTarget; readonly since: number },
  ): () => void {
    const { app, workspace } = target
    const end = (): void => void request.socket.destroy()
    const isShared = typeof app === 'number' && actor?.user_id !== workspace.owner_id
    const leave = isShared ? this.#shared.add({ address, workspaceId: workspace.id, actor, end }) : NOTHING
    if (actor === undefined) return leave
    const holder = { id: actor.key_id, groups: [actor.user_id] }
    const release = this.#dependencies.openSessions.hold(holder, { since, end })
    return () => {
      leave()
      release()
    }
  }

  async #mayOpen(address: NamedApp, actor: Actor | undefined): Promise<boolean> {
    const { service } = this.#dependencies
    try {
      return service.mayOpen(actor, await service.find(address, actor))
    } catch {
      // The workspace runs no more, or nobody can tell.
      return false
    }
  }

  async #forward(
    visit: Visit,
    target: AppTarget,
    {
      url,
      actor,
      release,
    }: { readonly url: ReturnType<typeof parseAppUrl>; readonly actor: Actor | undefined; readonly release: () => void },
  ): Promise<void> {
    const { request, response, origin, address } = visit
    const sandbox = visit.sandboxOf?.(actor, target)
    const takeOver = (): Duplex => {
      const client = visit.takeOver()
      response.off('close', release)
      this.#open.add(client)
      client.once('close', () => {
        release()
        this.#open.delete(client)
      })
      return client
    }
    const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const hop = {
      addresses: [...new Set([origin.ip, peer])],
      host: visit.host,
      protocol: this.#protocolOf(request, peer),
      proxyHeaders: this.#dependencies.trustedProxies?.headers ?? [],
    }
    try {
      await forward({
        request,
        response,
        to: this.#dependencies.connections.to({ agentId: target.agent.id, port: url.port, isSecure: url.isSecure }),
        path: pathAtApp(url, address),
        hop,
        added: sandbox === undefined ? [] : ['Content-Security-Policy', sandbox],
        takeOver,
      })
    } catch (error) {
      throw unreachable(error, target, url.port)
    }
  }

  #protocolOf({ headers, socket }: IncomingMessage, peer: string): 'http' | 'https' {
    const { trustedProxies, accessUrl } = this.#dependencies
    const said = headers['x-forwarded-proto']
    if ((said === 'http' || said === 'https') && isTrustedProxy(peer, trustedProxies)) return said
    return socket instanceof TLSSocket || accessUrl.startsWith('https:') ? 'https' : 'http'
  }
}

/** Returns the token that counts for a visit. */
function tokenOf({ request, sent, host }: Pick<Visit, 'request' | 'sent' | 'host'>): string | undefined {
  // Other apps are the same site to a browser, which then sends the cookie along.
  return sent?.isFromCookie === true && isFromOtherHost(request, host) ? undefined : sent?.token
}

/** Returns everything that decides who visits and which app they name. */
function keyOf(visit: Visit): string {
  const { user, workspace, agent = '', app } = visit.address
  return JSON.stringify([tokenOf(visit) ?? '', visit.keyHost ?? '', user, workspace, agent, app])
}

export function redirect(response: ServerResponse, location: string): void {
  response.statusCode = 307
  response.setHeader('Location', location)
  response.setHeader('Cache-Control', 'no-store')
  response.end()
}

/** Words why an app doesn't answer. */
function unreachable(error: unknown, { app, workspace }: AppTarget, port: number): AppRefusal {
  const name = typeof app === 'number' ? `Port ${app}` : `The app "${app}"`
  const isExpected = Failure.is(error) || error instanceof TunnelRefusal || error instanceof TunnelClosed
  return new AppRefusal({
    status: 502,
    message: `${name} of the workspace ${workspace.name} can't be reached${isExpected ? `: ${error.message}` : '.'}`,
    advice: `Check that the workspace is running and that a program in it listens on port ${port}, then load this page again.`,
    cause: error,
  })
}
