import { randomBytes, randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { RequestHandler } from 'express'
import type { Origin } from '../http/caller.ts'
import { clientAddress } from '../http/client-address.ts'
import { CSRF_COOKIE, readCookies, setCookieText } from '../http/cookies.ts'
import { pathOf } from '../http/request-target.ts'
import { CSRF_TOKEN_BYTES } from '../http/session-token.ts'
import type { AppOptions } from './app-options.ts'

const origins = new WeakMap<ServerResponse, Origin>()

/** Returns where the request behind a response came from. */
export function originOf(response: ServerResponse): Origin {
  return origins.get(response) ?? { request_id: randomUUID(), ip: '', user_agent: '' }
}

/**
 * Gives each request an ID, and logs one line when the response ends. The query is never logged,
 * because it may hold a token.
 */
export function requestOrigin({ logger, clock, config: { trustedProxies } }: AppOptions): RequestHandler {
  return (request, response, next) => {
    const startedAt = clock.now().getTime()
    const origin: Origin = {
      request_id: randomUUID(),
      ip: clientAddress(request, trustedProxies),
      user_agent: request.headers['user-agent'] ?? '',
    }
    origins.set(response, origin)
    response.setHeader('X-Coder-Request-Id', origin.request_id)
    response.on('close', () => {
      const { statusCode } = response
      const line = {
        request_id: origin.request_id,
        method: request.method,
        path: pathOf(request.originalUrl),
        status: statusCode,
        ms: clock.now().getTime() - startedAt,
        ip: origin.ip,
      }
      logger[statusCode >= 500 ? 'warn' : 'debug'](line, 'request')
    })
    next()
  }
}

/**
 * Sets the headers of every response that doesn't come from the host of an app (Coder v2 API,
 * v0.13.4, "middleware order").
 */
export function ownHeaders({ version, config: { secureAuthCookie } }: AppOptions): RequestHandler {
  return (request, response, next) => {
    response.setHeader('X-Coder-Build-Version', version)
    response.setHeader('Vary', 'Cookie')
    if (Buffer.from(readCookies(request)[CSRF_COOKIE] ?? '', 'base64').length !== CSRF_TOKEN_BYTES) {
      response.appendHeader('Set-Cookie', setCookieText(CSRF_COOKIE, randomBytes(CSRF_TOKEN_BYTES).toString('base64'), secureAuthCookie))
    }
    next()
  }
}
