import type { Duplex } from 'node:stream'
import { Failure } from '@berth/schema'
import {
  StreamBudget,
  TunnelRefusal,
  agentTargetKind,
  answerTunnel,
  closeReasons,
  closeSocket,
  parseAgentTarget,
  pipeBoth,
  socketStream,
  type AgentTarget,
  type TunnelRequest,
} from '@berth/tunnel'
import type { WebSocket } from 'ws'
import type { AgentDialer } from './agent-dialer.ts'

/** What a client may dial through its tunnel. Terminals have a WebSocket of their own. */
const DIALABLE: ReadonlySet<AgentTarget['kind'] | undefined> = new Set(['ssh', 'port', 'listening-ports'])

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
    const onward = new Set<Duplex>()
    const answer = async (request: TunnelRequest): Promise<void> => {
      const stream = await this.#dial(agentId, request)
      // A stream may still be written out after the client's end of it has gone.
      onward.add(stream)
      stream.once('close', () => onward.delete(stream))
      await pipeBoth(request.accept(), stream)
    }
    const tunnel = answerTunnel(socketStream(socket), answer, { budget })
    void tunnel.closed.then((reason) => {
      for (const stream of onward) stream.destroy(reason)
      if (budget.tunnels === 0 && this.#budgets.get(userId) === budget) this.#budgets.delete(userId)
      return undefined
    })
    return undefined
  }

  async #dial(agentId: string, { target, signal }: TunnelRequest): Promise<Duplex> {
    if (!DIALABLE.has(agentTargetKind(target))) throw new TunnelRefusal(404, `There is no target "${target}".`)
    try {
      return await this.#dialer.dial(agentId, parseAgentTarget(target), { signal })
    } catch (error) {
      throw asRefusal(error)
    }
  }
}

/** Turns an error of a dial into a refusal for the client. */
function asRefusal(error: unknown): TunnelRefusal {
  if (error instanceof TunnelRefusal) return error
  if (Failure.is(error)) return new TunnelRefusal(error.status, error.message)
  return new TunnelRefusal(502, error instanceof Error ? error.message : String(error))
}
