import type { RequestListener } from 'node:http'
import express, { type RequestHandler, type Response } from 'express'
import { agentBinaryRoutes } from '../features/agent-binaries/routes.ts'
import { apiReferenceRoutes } from '../features/deployment/api-reference-routes.ts'
import { DERP_PATH, answerLatencyCheck, derpHandler } from '../features/derp/routes.ts'
import { RELAY_PATH, RELAY_PROTOCOL } from '../replicas/relay-connection.ts'
import { gitAuthCallback } from '../features/git-auth/callback-routes.ts'
import { iconRoutes } from '../features/templates/icon-routes.ts'
import { setPageHeaders } from '../http/page-headers.ts'
import { redirectToTls } from '../http/redirect-to-tls.ts'
import { queryOf } from '../http/request-target.ts'
import { sentToken } from '../http/session-token.ts'
import { WebSocketUpgrades } from '../http/websocket-upgrade.ts'
import { apiRoutes } from './api-routes.ts'
import type { AppOptions } from './app-options.ts'
import { appRequestHandlers } from './app-requests.ts'
import { failureHandler } from './failure-handler.ts'
import { originOf, ownHeaders, requestOrigin } from './request-origin.ts'

export interface App {
  readonly listener: RequestListener
  readonly upgrades: WebSocketUpgrades
}

/** Where the protocols other than WebSocket are spoken. */
const UPGRADE_PATHS: ReadonlyMap<string, string> = new Map([
  ['derp', DERP_PATH],
  [RELAY_PROTOCOL, RELAY_PATH],
])

/** The root, and the pages that the server itself leads people to: to sign in, and afterwards. */
const GREETING_PATHS = ['/', '/login', '/gitauth']

/**
 * Returns the HTTP side of the server: the API below /api/v2, the agent binaries, the relay, and a
 * greeting for browsers.
 */
export function createApp(options: AppOptions): App {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const upgrades = new WebSocketUpgrades(
    (request, response) => app(request as Parameters<typeof app>[0], response as Parameters<typeof app>[1]),
    (protocol, path) => UPGRADE_PATHS.get(protocol) === path,
  )
  const { services, config, clock } = options
  const derp = derpHandler({ service: services.derp, upgrades, clock, connectionRateLimit: config.apiRateLimit })
  const appRequests = appRequestHandlers(options, upgrades)
  app.use(requestOrigin(options))
  app.get(RELAY_PATH, async (request, _response, next) => {
    if (!(await services.relayService.serve(request, () => upgrades.takeOver(request)))) next()
  })
  const { tls, tlsRedirectHttp, accessUrl } = options.config
  if (tls !== undefined && tlsRedirectHttp && accessUrl?.startsWith('https:') === true)
    app.use(redirectToTls(accessUrl, (request) => services.appFront.isAppHost(request)))
  app.use(appRequests.onHost)
  app.use(ownHeaders(options))
  app.get('/healthz', (_request, response) => {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end('OK')
  })
  app.get(`${DERP_PATH}/latency-check`, answerLatencyCheck)
  app.all(DERP_PATH, (request, response) => derp(request, response, originOf(response)))
  app.use('/api/v2', apiRoutes(options, upgrades))
  app.use(apiReferenceRoutes({ hasSwagger: options.config.swaggerEnable }))
  app.use(agentBinaryRoutes(services.agentBinaries))
  app.use(iconRoutes())
  app.get('/gitauth/:provider/callback', gitAuthHandler(options))
  app.use(appRequests.byPath)
  app.get(GREETING_PATHS, (_request, response) => {
    sendText(response, 200, `Berth ${options.version} is running. Its API is below /api/v2; sign in with: berth login <this address>`)
  })
  app.use((_request, response) => sendText(response, 404, 'There is nothing at this address. The API is below /api/v2.'))
  app.use(failureHandler(options.logger))
  return { listener: app, upgrades }
}

function sendText(response: Response, status: number, text: string): void {
  setPageHeaders(response)
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end(`${text}\n`)
}

/** Not below /api/v2, because people register this address with their git provider. */
function gitAuthHandler({ services, config: { secureAuthCookie } }: AppOptions): RequestHandler {
  const callback = gitAuthCallback({
    service: services.gitAuth,
    identify: async (request, response) =>
      await services.sessions.identify(sentToken(request, queryOf(request.url))?.token, originOf(response)),
    secureAuthCookie,
  })
  return async (request, response, next) => {
    if (!(await callback(request, response, String(request.params['provider'])))) next()
  }
}
