import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'

/**
 * Options both ends should give `ws` for a socket that carries a tunnel: HTTP/2 frames are small and often compressed or encrypted already, so
 * compression only costs, and no honest message comes near the size limit.
 */
export const tunnelSocketOptions = { perMessageDeflate: false, maxPayload: 4 * 1024 * 1024 } as const

/**
 * Turns a `ws` WebSocket, client or server side, into the byte stream that carries a tunnel.
 *
 * The socket may still be connecting, and on the client it should be: call this in the same tick that creates the socket, for bytes that arrive
 * before anybody listens are lost. Destroying the stream terminates the socket; the socket's end ends the stream.
 */
export function socketStream(socket: WebSocket): Duplex {
  return createWebSocketStream(socket, { highWaterMark: 256 * 1024 })
}
