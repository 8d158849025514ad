import type { coordinator } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AgentCaller } from '../agents/service.ts'
import type { CoordinatorService } from './service.ts'

const SOCKET = { compress: true }

export function coordinatorRoutes(service: CoordinatorService): Handlers<typeof coordinator, FoundByPath, AgentCaller> {
  return {
    coordinateAgent: async ({ agent, connection }) => await connection.acceptWebSocket(service.prepareAgent(agent), SOCKET),
    connection: async ({ workspaceagent }) => {
      service.requireCoordination(workspaceagent)
      return { derp_map: service.derpMap }
    },
    coordinateClient: async ({ workspaceagent, connection }) => {
      service.requireDirectAccess()
      await connection.acceptWebSocket((socket) => service.addClient(workspaceagent.id, socket), SOCKET)
    },
  }
}
