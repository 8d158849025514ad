import { Failure } from '@berth/schema'
import { TunnelRefusal, dialTunnel, socketStream, type DialTunnel } from '@berth/tunnel'
import type { Logger } from 'pino'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { AgentPresence } from './agent-presence.ts'

interface OpenTunnel {
  readonly tunnel: DialTunnel
  readonly socket: WebSocket
}

interface Dependencies {
  readonly presence: AgentPresence
  readonly logger: Logger
}

/** The tunnels of the agents that are connected to this server. */
export class AgentTunnels {
  readonly #dependencies: Dependencies
  readonly #open = new Map<string, OpenTunnel>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Takes over the socket of an agent. A second socket of the same agent closes the first. Must be called in the tick in which the socket opened. */
  add(agentId: string, workspaceId: string, socket: WebSocket): void {
    const tunnel = dialTunnel(socketStream(socket))
    const previous = this.#open.get(agentId)
    this.#open.set(agentId, { tunnel, socket })
    // Its tunnel ends with it; ended by itself, it would cut the socket before the reason is through.
    previous?.socket.close(1000, 'the agent has connected anew')
    this.#dependencies.presence.add({ agentId, workspaceId, socket, closed: this.#endOf(agentId, tunnel) })
  }

  isConnected(agentId: string): boolean {
    return this.#open.has(agentId)
  }

  /** A byte stream to a target in the workspace. Throws `agent_not_connected`, TunnelRefusal, TunnelClosed. */
  async dial(agentId: string, target: string, signal?: AbortSignal): Promise<Duplex> {
    const open = this.#open.get(agentId)
    if (open === undefined)
      throw new Failure('agent_not_connected', { message: 'Agent state is "disconnected", it must be in the "connected" state.' })
    return await open.tunnel.dial(target, signal === undefined ? {} : { signal })
  }

  async #endOf(agentId: string, tunnel: DialTunnel): Promise<void> {
    const reason = await tunnel.closed
    this.#dependencies.logger.debug({ agent_id: agentId, reason: reason.message }, 'an agent left')
    if (this.#open.get(agentId)?.tunnel === tunnel) this.#open.delete(agentId)
  }
}

/** A refusal for the caller on the other side of a tunnel. */
export function asRefusal(error: unknown): TunnelRefusal {
  if (error instanceof TunnelRefusal) return error
  if (Failure.is(error)) return new TunnelRefusal(error.status, error.message)
  return new TunnelRefusal(502, error instanceof Error ? error.message : String(error))
}
