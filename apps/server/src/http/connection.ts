import type { IncomingMessage, ServerResponse } from 'node:http'
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
   * Upgrades to a WebSocket and passes it to `begin` in the same tick. Throws `upgrade_required`
   * and `origin_forbidden`.
   */
  acceptWebSocket<Begun>(begin: (socket: WebSocket) => Begun, options?: AcceptOptions): Promise<Begun>
}

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
