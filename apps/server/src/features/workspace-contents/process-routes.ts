import { StartProcessRequest, type processes } from '@berth/schema'
import { maxProcessMessageBytes } from '@berth/schema/rules'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import { bodyReader } from '../../http/body-reader.ts'
import type { Handlers } from '../../http/serve.ts'
import { serveAttach, serveStart } from './process-socket.ts'
import type { WorkspaceContents } from './service.ts'

const SOCKET = { maxMessageBytes: maxProcessMessageBytes }

interface Dependencies {
  readonly service: WorkspaceContents
  /** Throws `agent_not_connected`. */
  readonly requireConnected: (agentId: string) => Promise<void>
  readonly logger: Logger
}

export function processRoutes<Agent>({ service, requireConnected, logger }: Dependencies): Handlers<typeof processes, FoundByPath, Agent> {
  // It throws for anything else than such a request.
  const readStart = bodyReader(StartProcessRequest) as (text: string) => StartProcessRequest
  return {
    exec: async ({ body, connection, ...place }) => await service.exec(place, body, connection.closed()),
    start: async ({ connection, ...place }) => {
      await requireConnected(place.workspaceagent.id)
      await connection.acceptWebSocket((socket) => {
        const signal = goneSignal(socket)
        serveStart(socket, async (request) => await service.start(place, readStart(request), signal), logger)
      }, SOCKET)
    },
    list: async ({ connection, ...place }) => await service.ask(place, 'processes.list', {}, { signal: connection.closed() }),
    get: async ({ params, connection, ...place }) =>
      await service.ask(place, 'processes.get', { id: params.process }, { signal: connection.closed() }),
    attach: async ({ params, query, connection, ...place }) => {
      await requireConnected(place.workspaceagent.id)
      const request = { id: params.process, after: query.after ?? 0 }
      await connection.acceptWebSocket((socket) => {
        const signal = goneSignal(socket)
        serveAttach(socket, async () => await service.open(place, 'processes.attach', request, { signal }), logger)
      }, SOCKET)
    },
    signal: async ({ params, body, connection, ...place }) => {
      await service.ask(place, 'processes.signal', { id: params.process, ...body }, { signal: connection.closed() })
    },
    remove: async ({ params, connection, ...place }) => await service.removeProcess(place, params.process, { signal: connection.closed() }),
  }
}

/** Aborts when a client leaves. */
function goneSignal(socket: WebSocket): AbortSignal {
  const gone = new AbortController()
  socket.once('close', () => gone.abort(new Error('The client left.')))
  return gone.signal
}
