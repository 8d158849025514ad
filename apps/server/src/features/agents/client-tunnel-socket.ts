import type { Duplex } from 'node:stream'
import {
  StreamBudget,
  TunnelRefusal,
  agentTargetKind,
  closeReasons,
  closeSocket,
  parseAgentTarget,
  socketStream,
  type AgentTarget,
  type TunnelRequest,
} from '@berth/tunnel'
import type { WebSocket } from 'ws'
import type { AgentDialer } from './agent-dialer.ts'
import { joinStreams } from '../../replicas/join-streams.ts'

/** What a client may dial through its tunnel. Terminals have a WebSocket of their own. */
const DIALABLE: ReadonlySet<AgentTarget['kind'] | undefined> = new Set(['ssh', 'port', 'udp', 'echo', 'speed-test', 'listening-ports'])

const MEBIBYTE = 1024 * 1024
/** What the tunnels of one user may use together on this replica. */
const USER_LIMITS = { tunnels: 100, maxStreams: 4_000, maxBytes: 128 * MEBIBYTE }

/** The tunnels of clients, each joined with that of an agent. */
export class ClientTunnels {
  readonly #dialer: AgentDialer
  readonly #limits: typeof USER_LIMITS
  /** What the tunnels of each connected user use together. */
  readonly #budgets = new Map<string, StreamBudget>()

  constructor(dialer: AgentDialer, limits = USER_LIMITS) {
    this.#dialer = dialer
    this.#limits = limits
  }

  /**
   * Joins a client's tunnel with that of an agent: each stream that the client dials continues to
   * the agent. Call it in the tick in which the socket opened.
   */
  join(socket: WebSocket, { userId, agentId }: { readonly userId: string; readonly agentId: string }): void {
    const budget = this.#budgets.get(userId) ?? new StreamBudget(this.#limits)
    if (budget.tunnels >= this.#limits.tunnels) return closeSocket(socket, closeReasons.tooManyTunnels)
    this.#budgets.set(userId, budget)
    const tunnel = joinStreams(socketStream(socket), async (request) => await this.#dial(agentId, request), { budget })
    void tunnel.closed.then(() => {
      if (budget.tunnels === 0 && this.#budgets.get(userId) === budget) this.#budgets.delete(userId)
      return undefined
    })
    return undefined
  }

  async #dial(agentId: string, { target, signal }: TunnelRequest): Promise<Duplex> {
    if (!DIALABLE.has(agentTargetKind(target))) throw new TunnelRefusal(404, `There is no target "${target}".`)
    return await this.#dialer.dial(agentId, parseAgentTarget(target), { signal })
  }
}
