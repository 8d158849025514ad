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
 * before anybody listens are lost. Destroying the stream terminates the socket; the socket's end ends the stream. Either side may still close the socket
 * with a code and a reason of its own: the closing handshake is left to finish.
 */
export function socketStream(socket: WebSocket): Duplex {
  const stream = createWebSocketStream(socket, { highWaterMark: 256 * 1024 })
  const write = stream._write.bind(stream)
  stream._write = (chunk, encoding, callback) => {
    // To ws a write after the close frame is an error that cuts the connection, and with it the peer's code and reason. Nobody misses these bytes.
    if (socket.readyState === socket.CLOSING || socket.readyState === socket.CLOSED) callback()
    else write(chunk, encoding, callback)
  }
  return stream
}
