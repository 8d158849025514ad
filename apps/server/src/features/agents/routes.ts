import { Failure, type agents } from '@berth/schema'
import { tunnelSocketOptions } from '@berth/tunnel'
import type { AgentRow } from '../../database/rows.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AgentTunnels } from './agent-tunnels.ts'
import { joinTunnels } from './client-tunnel-socket.ts'
import { readListeningPorts } from './listening-ports.ts'
import type { ResourcePresenter } from './present.ts'
import { joinPty, ptyTarget } from './pty-socket.ts'
import type { AgentService } from './service.ts'
import { followStats } from './stats-socket.ts'

interface Dependencies {
  readonly service: AgentService
  readonly tunnels: AgentTunnels
  readonly resources: ResourcePresenter
}

const TUNNEL_SOCKET = { maxMessageBytes: tunnelSocketOptions.maxPayload }

export function agentRoutes({ service, tunnels, resources }: Dependencies): Handlers<typeof agents, FoundByPath, AgentRow> {
  const requireConnected = async (agent: AgentRow): Promise<void> => {
    if (tunnels.isConnected(agent.id)) return
    const { status } = resources.presentAgent(await service.view(agent))
    const message = `Agent state is "${status}", it must be in the "connected" state${status === 'connected' ? ' to this server' : ''}.`
    throw new Failure('agent_not_connected', { message })
  }
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
    followStats: async ({ agent, connection }) => {
      const begin = await service.prepareStats(agent)
      await connection.acceptWebSocket((socket) =>
        followStats(socket, { ...begin, report: async (stats) => await service.reportStats(agent, stats) }),
      )
    },
    serveTunnel: async ({ agent, connection }) => await connection.acceptWebSocket(await service.prepareTunnel(agent), TUNNEL_SOCKET),
    get: async ({ workspaceagent }) => resources.presentAgent(await service.view(workspaceagent)),
    listeningPorts: async ({ workspaceagent }) => {
      const { apps } = await service.view(workspaceagent)
      await requireConnected(workspaceagent)
      const stream = await tunnels.dial(workspaceagent.id, 'listening-ports')
      return await readListeningPorts(
        stream,
        apps.map(({ url }) => url),
      )
    },
    pty: async ({ workspaceagent, query, connection }) => {
      await requireConnected(workspaceagent)
      await connection.acceptWebSocket((socket) => {
        void joinPty(socket, async () => await tunnels.dial(workspaceagent.id, ptyTarget(query)))
      })
    },
    dialTunnel: async ({ workspaceagent, connection }) => {
      service.requireDirectAccess()
      await connection.acceptWebSocket((socket) => joinTunnels(socket, workspaceagent.id, tunnels), TUNNEL_SOCKET)
    },
  }
}
