import { Failure } from '@berth/schema'
import { TunnelRefusal, agentTargetKind, answerTunnel, parseAgentTarget, pipeBoth, socketStream, type AgentTarget } from '@berth/tunnel'
import type { WebSocket } from 'ws'
import type { AgentDialer } from './agent-dialer.ts'

/** What a client may dial through its tunnel. Terminals have a WebSocket of their own. */
const DIALABLE: ReadonlySet<AgentTarget['kind'] | undefined> = new Set(['ssh', 'port', 'listening-ports'])

/**
 * Joins a client's tunnel with that of an agent: each stream that the client dials continues to the
 * agent. Call it in the tick in which the socket opened.
 */
export function joinTunnels(socket: WebSocket, agentId: string, dialer: AgentDialer): void {
  answerTunnel(socketStream(socket), async ({ target, accept, signal }) => {
    if (!DIALABLE.has(agentTargetKind(target))) throw new TunnelRefusal(404, `There is no target "${target}".`)
    const onward = await dialer.dial(agentId, parseAgentTarget(target), { signal }).catch((error: unknown) => {
      throw asRefusal(error)
    })
    await pipeBoth(accept(), onward)
  })
}

/** Turns an error of a dial into a refusal for the client. */
function asRefusal(error: unknown): TunnelRefusal {
  if (error instanceof TunnelRefusal) return error
  if (Failure.is(error)) return new TunnelRefusal(error.status, error.message)
  return new TunnelRefusal(502, error instanceof Error ? error.message : String(error))
}
