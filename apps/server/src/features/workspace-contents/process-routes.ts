import { StartProcessRequest, type processes } from '@berth/schema'
import { maxProcessMessageBytes } from '@berth/schema/rules'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import { bodyReader } from '../../http/body-reader.ts'
import type { Handlers } from '../../http/serve.ts'
import { serveAttached, serveStart } from './process-socket.ts'
import type { WorkspaceContents } from './service.ts'

const SOCKET = { maxMessageBytes: maxProcessMessageBytes }

interface Dependencies {
  readonly service: WorkspaceContents
  /** Throws `agent_not_connected`. */
  readonly requireConnected: (agentId: string) => Promise<void>
}

export function processRoutes<Agent>({ service, requireConnected }: Dependencies): Handlers<typeof processes, FoundByPath, Agent> {
  // It throws for anything else than such a request.
  const readStart = bodyReader(StartProcessRequest) as (text: string) => StartProcessRequest
  return {
    exec: async ({ body, connection, ...place }) => await service.exec(place, body, connection.closed()),
    start: async ({ connection, ...place }) => {
      await requireConnected(place.workspaceagent.id)
      await connection.acceptWebSocket((socket) => {
        const gone = new AbortController()
        socket.once('close', () => gone.abort(new Error('The client left.')))
        serveStart(socket, async (request) => await service.start(place, readStart(request), gone.signal))
      }, SOCKET)
    },
    list: async ({ connection, ...place }) => await service.ask(place, 'processes.list', {}, { signal: connection.closed() }),
    get: async ({ params, connection, ...place }) =>
      await service.ask(place, 'processes.get', { id: params.process }, { signal: connection.closed() }),
    attach: async ({ params, query, connection, ...place }) => {
      const request = { id: params.process, after: query.after ?? 0 }
      const gone = new AbortController()
      const process = await service.open(place, 'processes.attach', request, { signal: gone.signal })
      try {
        await connection.acceptWebSocket((socket) => serveAttached(socket, process), SOCKET)
      } catch (error) {
        process.stream.destroy()
        throw error
      }
    },
    signal: async ({ params, body, connection, ...place }) => {
      await service.ask(place, 'processes.signal', { id: params.process, ...body }, { signal: connection.closed() })
    },
    remove: async ({ params, connection, ...place }) => await service.removeProcess(place, params.process, { signal: connection.closed() }),
  }
}
