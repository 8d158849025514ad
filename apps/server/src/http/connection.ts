import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WebSocket } from 'ws'
import { EventStream } from './event-stream.ts'
import { dismiss, type AcceptOptions, type WebSocketUpgrades } from './websocket-upgrade.ts'

/**
 * How a handler answers with more than one document. Whatever a signed-in caller opens ends with
 * their session.
 */
export interface Connection {
  /** Starts a server-sent event stream. */
  openEventStream(): EventStream
  /** Returns a signal that aborts when the client leaves before it has its answer. */
  closed(): AbortSignal
  /**
   * Upgrades to a WebSocket and passes it to `begin` in the same tick. Throws `upgrade_required`
   * and `origin_forbidden`.
   */
  acceptWebSocket<Begun>(begin: (socket: WebSocket) => Begun, options?: AcceptOptions): Promise<Begun>
}

/** Calls `end` when the request's session ends, unless the returned function is called first. */
export type HoldSession = (end: () => void) => () => void

/** Returns the connection of one request. */
export function connectionOf(
  request: IncomingMessage,
  response: ServerResponse,
  { upgrades, holdSession }: { readonly upgrades: WebSocketUpgrades; readonly holdSession: HoldSession },
): Connection {
  return {
    openEventStream: () => {
      const stream = new EventStream(response)
      stream.onClose(holdSession(() => stream.end()))
      return stream
    },
    closed: () => {
      const controller = new AbortController()
      response.once('close', () => controller.abort())
      return controller.signal
    },
    acceptWebSocket: async (begin, options) =>
      await upgrades.accept(
        request,
        (socket) => {
          socket.on(
            'close',
            holdSession(() => dismiss(socket)),
          )
          return begin(socket)
        },
        options,
      ),
  }
}
