import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { WebSocket } from 'ws'
import { EventStream } from './event-stream.ts'
import type { Ending } from './open-connections.ts'
import { dismiss, type AcceptOptions, type WebSocketUpgrades } from './websocket-upgrade.ts'

/**
 * How a handler answers with more than one document. Whatever a signed-in caller opens ends with
 * their session, and whatever an agent opens ends with its token.
 */
export interface Connection {
  /** Starts a server-sent event stream. */
  openEventStream(): EventStream
  /**
   * Returns a signal that aborts when the client leaves before it has its answer, or loses access;
   * the reason is then the failure to answer with.
   */
  closed(): AbortSignal
  /**
   * Answers with bytes, as fast as the client reads them. If they break off, or the client reads
   * none of them for {@link STALLED_MS}, the connection is cut, so that the client doesn't take
   * what it got for everything. Never rejects.
   */
  sendBytes(bytes: Readable): Promise<void>
  /**
   * Upgrades to a WebSocket and passes it to `begin` in the same tick. Throws `upgrade_required`
   * and `origin_forbidden`.
   */
  acceptWebSocket<Begun>(begin: (socket: WebSocket) => Begun, options?: AcceptOptions): Promise<Begun>
}

/** How long a client of {@link Connection.sendBytes} may read nothing, in milliseconds. */
const STALLED_MS = 60_000

/** Calls `end` when the caller loses access, unless the returned function is called first. */
export type Hold = (end: (ending: Ending) => void) => () => void

/** Returns the connection of one request. */
export function connectionOf(
  request: IncomingMessage,
  response: ServerResponse,
  { upgrades, hold }: { readonly upgrades: WebSocketUpgrades; readonly hold: Hold },
): Connection {
  return {
    openEventStream: () => {
      const stream = new EventStream(response)
      stream.onClose(hold(() => stream.end()))
      return stream
    },
    closed: () => {
      const controller = new AbortController()
      const release = hold(({ failure }) => controller.abort(failure))
      response.once('close', () => {
        release()
        controller.abort()
      })
      return controller.signal
    },
    sendBytes: async (bytes) => {
      const release = hold(() => response.destroy())
      response.statusCode = 200
      response.setHeader('Content-Type', 'application/octet-stream')
      // Nobody's browser may take a file of a workspace for a page of this deployment.
      response.setHeader('Content-Disposition', 'attachment')
      response.setHeader('X-Content-Type-Options', 'nosniff')
      response.setTimeout(STALLED_MS, () => response.destroy())
      // The client can tell from a connection that is cut.
      await pipeline(bytes, response).catch(() => response.destroy())
      release()
    },
    acceptWebSocket: async (begin, options) =>
      await upgrades.accept(
        request,
        (socket) => {
          socket.on(
            'close',
            hold(({ closeReason }) => dismiss(socket, closeReason)),
          )
          return begin(socket)
        },
        options,
      ),
  }
}
