import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { RequestHandler } from 'express'

/**
 * Redirects plain HTTP requests to the HTTPS access URL and keeps path and query. A request for the
 * host of an app keeps its host. Requests that name an IP address of the machine itself pass:
 * agents and health checks next to the server send them (Coder v2 API, v0.13.4).
 */
export function redirectToTls(accessUrl: string, isAppHost: (request: IncomingMessage) => boolean): RequestHandler {
  const { port } = new URL(accessUrl)
  return (request, response, next) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
    if (request.socket instanceof TLSSocket || (isIP(host) !== 0 && host === normalized(request.socket.localAddress))) {
      next()
      return
    }
    response.statusCode = 307
    response.setHeader('Location', `${isAppHost(request) ? `https://${host}${port === '' ? '' : `:${port}`}` : accessUrl}${request.url}`)
    response.end()
  }
}

function normalized(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:/, '')
}
