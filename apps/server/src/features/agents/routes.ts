import type { agents } from '@berth/schema'
import { tunnelSocketOptions } from '@berth/tunnel'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AgentDialer } from './agent-dialer.ts'
import { ClientTunnels } from './client-tunnel-socket.ts'
import { readListeningPorts } from './listening-ports.ts'
import type { ResourcePresenter } from './present.ts'
import { joinPty, terminalOf } from './pty-socket.ts'
import type { AgentCaller, AgentService } from './service.ts'
import { followStats } from './stats-socket.ts'

interface Dependencies {
  readonly service: AgentService
  readonly dialer: AgentDialer
  readonly resources: ResourcePresenter
}

const TUNNEL_SOCKET = { maxMessageBytes: tunnelSocketOptions.maxPayload }

export function agentRoutes({ service, dialer, resources }: Dependencies): Handlers<typeof agents, FoundByPath, AgentCaller> {
  const clientTunnels = new ClientTunnels(dialer)
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
    serveTunnel: async ({ agent, connection }) => await connection.acceptWebSocket(service.prepareTunnel(agent), TUNNEL_SOCKET),
    get: async ({ workspaceagent }) => resources.presentAgent(await service.view(workspaceagent)),
    listeningPorts: async ({ workspaceagent }) => {
      const { apps } = await service.view(workspaceagent)
      return await readListeningPorts(
        async (signal) => await dialer.dial(workspaceagent.id, { kind: 'listening-ports' }, { signal }),
        apps.map(({ url }) => url),
      )
    },
    pty: async ({ workspaceagent, query, connection }) => {
      await dialer.requireConnected(workspaceagent.id)
      await connection.acceptWebSocket((socket) => {
        void joinPty(socket, async () => await dialer.dial(workspaceagent.id, terminalOf(query)))
      })
    },
    dialTunnel: async ({ actor, workspaceagent, connection }) => {
      service.requireDirectAccess()
      const place = { userId: actor.user_id, agentId: workspaceagent.id }
      await connection.acceptWebSocket((socket) => clientTunnels.join(socket, place), TUNNEL_SOCKET)
    },
  }
}
