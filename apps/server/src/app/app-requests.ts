import type { RequestHandler } from 'express'
import type { AppFront, Arrival } from '../app-proxy/app-front.ts'
import { requestLimiter } from '../gate/request-limits.ts'
import type { WebSocketUpgrades } from '../http/websocket-upgrade.ts'
import type { AppOptions } from './app-options.ts'
import { originOf } from './request-origin.ts'

/** What answers requests for apps, by the way in which they come. */
interface AppRequestHandlers {
  readonly onHost: RequestHandler
  readonly byPath: RequestHandler
  readonly onAppsOrigin: RequestHandler
}

export function appRequestHandlers({ services, config, clock }: AppOptions, upgrades: WebSocketUpgrades): AppRequestHandlers {
  const { appFront } = services
  const count = requestLimiter({ clock, apiRateLimit: config.apiRateLimit })
  const handler =
    (serve: (front: AppFront, arrival: Arrival) => Promise<boolean>): RequestHandler =>
    async (request, response, next) => {
      const origin = originOf(response)
      const isServed = await serve(appFront, {
        request,
        response,
        origin,
        takeOver: () => upgrades.takeOver(request),
        limit: (path, actor) => count({ spec: undefined, path, actor, origin, request, response }),
      })
      if (!isServed) next()
    }
  return {
    onHost: handler(async (front, arrival) => await front.serveHost(arrival)),
    byPath: handler(async (front, arrival) => await front.servePath(arrival)),
    onAppsOrigin: handler(async (front, arrival) => await front.serveAppsOrigin(arrival)),
  }
}
