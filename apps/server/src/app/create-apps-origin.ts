import express from 'express'
import { WebSocketUpgrades } from '../http/websocket-upgrade.ts'
import type { AppOptions } from './app-options.ts'
import { appRequestHandlers } from './app-requests.ts'
import type { App } from './create-app.ts'
import { failureHandler } from './failure-handler.ts'
import { requestOrigin } from './request-origin.ts'

/**
 * Returns the HTTP side of the origin that apps by path have to themselves. Nothing else is there.
 */
export function createAppsOrigin(options: AppOptions): App {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const upgrades = new WebSocketUpgrades((request, response) =>
    app(request as Parameters<typeof app>[0], response as Parameters<typeof app>[1]),
  )
  app.use(requestOrigin(options))
  app.use(appRequestHandlers(options, upgrades).onAppsOrigin)
  app.use((_request, response) => {
    response.statusCode = 404
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end('Only apps of workspaces are at this address: /@<user>/<workspace>/apps/<app>/\n')
  })
  app.use(failureHandler(options.logger))
  return { listener: app, upgrades }
}
