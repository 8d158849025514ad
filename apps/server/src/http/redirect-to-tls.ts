import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { RequestHandler } from 'express'

/**
 * Sends people who come over plain HTTP to where the deployment is reached over HTTPS, path and query kept. Who asks for an IP address of the machine itself is left alone: that is how
 * agents and checks next to the server come (Coder v2 API, v0.13.4).
 */
export function redirectToTls(accessUrl: string): RequestHandler {
  return (request, response, next) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
    if (request.socket instanceof TLSSocket || (isIP(host) !== 0 && host === normalized(request.socket.localAddress))) {
      next()
      return
    }
    response.statusCode = 307
    response.setHeader('Location', `${accessUrl}${request.url}`)
    response.end()
  }
}

function normalized(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:/, '')
}
