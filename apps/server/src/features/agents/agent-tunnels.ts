import { closeReasons, closeSocket, dialTunnel, socketStream, type DialTunnel } from '@berth/tunnel'
import type { Logger } from 'pino'
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

/** The tunnels of agents that are connected to this replica. Only `AgentDialer` dials them. */
export class AgentTunnels {
  readonly #dependencies: Dependencies
  readonly #open = new Map<string, OpenTunnel>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Takes over an agent's socket and closes the agent's previous one. Call it in the tick in which
   * the socket opened.
   */
  add(agentId: string, workspaceId: string, socket: WebSocket): void {
    const tunnel = dialTunnel(socketStream(socket))
    const previous = this.#open.get(agentId)
    this.#open.set(agentId, { tunnel, socket })
    // The previous tunnel ends with its socket. Closing the tunnel itself would cut the socket
    // before the reason is sent.
    if (previous !== undefined) closeSocket(previous.socket, closeReasons.agentReconnected)
    this.#dependencies.presence.add({ agentId, workspaceId, connectsBy: 'tunnel', socket, closed: this.#endOf(agentId, tunnel) })
  }

  /** Returns the tunnel of an agent; undefined when the agent isn't connected here. */
  find(agentId: string): DialTunnel | undefined {
    return this.#open.get(agentId)?.tunnel
  }

  async #endOf(agentId: string, tunnel: DialTunnel): Promise<void> {
    const reason = await tunnel.closed
    this.#dependencies.logger.debug({ agent_id: agentId, reason: reason.message }, 'an agent disconnected')
    if (this.#open.get(agentId)?.tunnel === tunnel) this.#open.delete(agentId)
  }
}
