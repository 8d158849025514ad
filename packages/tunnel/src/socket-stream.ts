import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'
import { bufferBytes, maxMessageBytes } from './flow-control.ts'

/**
 * Options for both ends of a `ws` socket that carries a tunnel. Compression is off: HTTP/2 frames
 * are small, and often compressed or encrypted already.
 */
export const tunnelSocketOptions = { perMessageDeflate: false, maxPayload: maxMessageBytes } as const

/** How long bytes that arrived before a socket closed may stay unread, in milliseconds. */
const unreadGraceMs = 500

/**
 * Turns a `ws` WebSocket, client or server side, into the byte stream that carries a tunnel.
 *
 * Call it in the tick that creates the socket: bytes that arrive before anybody listens are lost.
 * Destroying the stream terminates the socket, and the socket's end ends the stream. Either side
 * may still close the socket with a code and a reason: the closing handshake runs to its end.
 */
export function socketStream(socket: WebSocket): Duplex {
  const stream = createWebSocketStream(socket, { highWaterMark: bufferBytes })
  const write = stream._write.bind(stream)
  stream._write = (chunk, encoding, callback) => {
    // ws treats a write after the close frame as an error and cuts the connection, which loses the
    // peer's code and reason. Nobody needs these bytes.
    if (socket.readyState === socket.CLOSING || socket.readyState === socket.CLOSED) callback()
    else write(chunk, encoding, callback)
  }
  socket.on('error', () => undefined)
  socket.once('close', () => {
    // An HTTP/2 session stops reading when its peer breaks the protocol, and would never see the
    // end.
    setTimeout(() => stream.destroy(), unreadGraceMs).unref()
  })
  return stream
}
