import type { IncomingMessage, ServerResponse } from 'node:http'
import { socketStream } from '@berth/tunnel'
import type { Clock } from '../../clock.ts'
import type { Origin } from '../../http/caller.ts'
import { RateLimiter, addressKey } from '../../http/rate-limit.ts'
import type { WebSocketUpgrades } from '../../http/websocket-upgrade.ts'
import { MAX_PACKET_BYTES, PROTOCOL_VERSION } from './frames.ts'
import type { DerpService } from './service.ts'

interface Dependencies {
  readonly service: DerpService
  readonly upgrades: WebSocketUpgrades
  readonly clock: Clock
  /** Connections a minute from one address. Negative for no limit. */
  readonly connectionRateLimit: number
}

export type DerpHandler = (request: IncomingMessage, response: ServerResponse, origin: Origin) => Promise<void>

const SUBPROTOCOL = 'derp'

/**
 * The relay's path, outside of the API: clients only know the host and derive the path themselves.
 */
export const DERP_PATH = '/derp'

/**
 * Answers `/derp`: an upgrade to DERP itself, or to a WebSocket whose binary messages carry the
 * same bytes. It asks for no credentials, which clients don't send here; they prove their keys, and
 * the service serves those whose keys it knows.
 */
export function derpHandler({ service, upgrades, clock, connectionRateLimit }: Dependencies): DerpHandler {
  const limiter = connectionRateLimit < 0 ? undefined : new RateLimiter({ limit: connectionRateLimit, clock })
  return async (request, response, origin) => {
    const protocol = request.headers.upgrade?.toLowerCase()
    const isWebSocket = protocol === 'websocket' && subprotocolsOf(request).includes(SUBPROTOCOL)
    if (protocol !== 'derp' && !isWebSocket) return refuse(response, 426, 'DERP requires connection upgrade')
    if (!service.isOpen) return refuse(response, 503, 'The relay accepts no clients.')
    const address = addressKey(origin.ip)
    if (limiter?.check(address).allowed === false) return refuse(response, 429, 'Too many connections to the relay.')
    if (!service.mayConnect(address)) return refuse(response, 429, 'Too many unknown clients of the relay from this address.')
    const key = await service.serverKey()
    if (isWebSocket) {
      const begin = (stream: Parameters<typeof socketStream>[0]): void => service.serve(socketStream(stream), { serverKey: key, address })
      return await upgrades.accept(request, begin, { protocol: SUBPROTOCOL, maxMessageBytes: 2 * MAX_PACKET_BYTES })
    }
    const stream = upgrades.takeOver(request)
    // A client that asks for a fast start reads no HTTP response.
    if (request.headers['derp-fast-start'] !== '1')
      stream.write(
        [
          'HTTP/1.1 101 Switching Protocols',
          'Upgrade: DERP',
          'Connection: Upgrade',
          `Derp-Version: ${PROTOCOL_VERSION}`,
          `Derp-Public-Key: ${Buffer.from(key.publicKey).toString('hex')}`,
          '\r\n',
        ].join('\r\n'),
      )
    return service.serve(stream, { serverKey: key, address })
  }
}

/** Answers clients that measure their latency to the relay, including pages of other sites. */
export function answerLatencyCheck(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.end()
}

function subprotocolsOf(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
}

function refuse(response: ServerResponse, status: number, text: string): void {
  if (status === 426) response.setHeader('Upgrade', 'DERP')
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end(`${text}\n`)
}
