import type { agents } from '@berth/schema'
import { tunnelSocketOptions } from '@berth/tunnel'
import type { AgentRow, FoundByPath } from '../../found.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AgentTunnels } from './agent-tunnels.ts'
import { joinTunnels } from './client-tunnel-socket.ts'
import { readListeningPorts } from './listening-ports.ts'
import type { ResourcePresenter } from './present-resources.ts'
import { joinPty, ptyTarget } from './pty-socket.ts'
import type { AgentService } from './service.ts'

interface Dependencies {
  readonly service: AgentService
  readonly tunnels: AgentTunnels
  readonly resources: ResourcePresenter
}

const TUNNEL_SOCKET = { maxMessageBytes: tunnelSocketOptions.maxPayload }

export function agentRoutes({ service, tunnels, resources }: Dependencies): Handlers<typeof agents, FoundByPath, AgentRow> {
  return {
    metadata: async ({ agent }) => await service.metadata(agent),
    updateVersion: async ({ agent, body }) => {
      await service.setVersion(agent, body.version)
      return null
    },
    updateAppHealth: async ({ agent, body }) => {
      await service.setAppHealth(agent, body.Healths)
      return null
    },
    reportStats: async ({ agent, body }) => ({ report_interval: await service.reportStats(agent, body) }),
    serveTunnel: async ({ agent, connection }) => await connection.acceptWebSocket(await service.prepareTunnel(agent), TUNNEL_SOCKET),
    get: async ({ workspaceagent }) => resources.presentAgent(await service.view(workspaceagent)),
    listeningPorts: async ({ workspaceagent }) => {
      const { apps } = await service.view(workspaceagent)
      const stream = await tunnels.dial(workspaceagent.id, 'listening-ports')
      return await readListeningPorts(
        stream,
        apps.map(({ url }) => url),
      )
    },
    pty: async ({ workspaceagent, query, connection }) => {
      const terminal = await tunnels.dial(workspaceagent.id, ptyTarget(query))
      try {
        await connection.acceptWebSocket((socket) => joinPty(socket, terminal))
      } catch (error) {
        terminal.destroy()
        throw error
      }
    },
    dialTunnel: async ({ workspaceagent, connection }) =>
      await connection.acceptWebSocket((socket) => joinTunnels(socket, workspaceagent.id, tunnels), TUNNEL_SOCKET),
  }
}
