import { TunnelRefusal, answerTunnel, pipeBoth, socketStream } from '@berth/tunnel'
import type { WebSocket } from 'ws'
import { asRefusal, type AgentTunnels } from './agent-tunnels.ts'

/** What people may reach in a workspace through the tunnel. */
const TARGETS = /^(ssh|listening-ports|ports\/\d{1,5})$/

/** Joins a client's tunnel with that of an agent: each stream that the client dials goes on to the agent. Must be called in the tick in which the socket opened. */
export function joinTunnels(socket: WebSocket, agentId: string, tunnels: AgentTunnels): void {
  answerTunnel(socketStream(socket), async ({ target, accept, signal }) => {
    if (!TARGETS.test(target)) throw new TunnelRefusal(404, `There is no target "${target}".`)
    const onward = await tunnels.dial(agentId, target, signal).catch((error: unknown) => {
      throw asRefusal(error)
    })
    await pipeBoth(accept(), onward)
  })
}
