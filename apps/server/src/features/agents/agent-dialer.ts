import type { Duplex } from 'node:stream'
import { Failure, type AgentStatus } from '@berth/schema'
import { TunnelRefusal, formatAgentTarget, type AgentTarget } from '@berth/tunnel'
import type { AgentTunnels } from './agent-tunnels.ts'
import type { ResourcePresenter } from './present.ts'
import type { AgentStore } from './store.ts'

/** The replica an agent is connected to. */
export type AgentLocation =
  /** This replica holds the agent's tunnel. */
  | { readonly at: 'here' }
  /** Another replica of the deployment does. */
  | { readonly at: 'another-replica'; readonly replicaId: string }
  /** The agent is connected, but as the reference's agents are, which have no tunnel. */
  | { readonly at: 'the-reference-network' }
  /** No replica can dial the agent. If it is `connected`, its tunnel closed a moment ago. */
  | { readonly at: 'nowhere'; readonly status: AgentStatus }

interface Dependencies {
  readonly tunnels: Pick<AgentTunnels, 'find'>
  readonly store: Pick<AgentStore, 'getView' | 'findConnection'>
  readonly resources: ResourcePresenter
  readonly replicaId: string
  /** How long an agent may take to accept or refuse a dial. Default {@link DIAL_TIMEOUT_MS}. */
  readonly dialTimeoutMs?: number
}

/** Longer than an agent takes to find that nothing listens on a port. */
const DIAL_TIMEOUT_MS = 30_000

/** Connects to programs in workspaces. Everything that needs a stream to an agent gets it here. */
export class AgentDialer {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Opens a byte stream to a target in an agent's workspace.
   *
   * @param options.signal gives up while the agent has not answered; it has no effect on the
   *   stream.
   * @throws Failure `agent_not_connected` unless the agent is connected here.
   * @throws TunnelRefusal, TunnelClosed, TunnelStreamReset when the agent doesn't accept.
   */
  async dial(agentId: string, target: AgentTarget, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Duplex> {
    const { tunnels, dialTimeoutMs = DIAL_TIMEOUT_MS } = this.#dependencies
    const tunnel = tunnels.find(agentId)
    if (tunnel === undefined) throw notConnected(await this.locate(agentId))
    const timeout = AbortSignal.timeout(dialTimeoutMs)
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      return await tunnel.dial(formatAgentTarget(target), { signal: either })
    } catch (error) {
      if (error !== timeout.reason) throw error
      throw new TunnelRefusal(504, `The agent did not answer within ${dialTimeoutMs / 1000} s.`)
    }
  }

  /** Returns where an agent is connected. */
  async locate(agentId: string): Promise<AgentLocation> {
    const { tunnels, store, resources, replicaId } = this.#dependencies
    if (tunnels.find(agentId) !== undefined) return { at: 'here' }
    const { status } = resources.presentAgent(await store.getView(agentId))
    if (status !== 'connected') return { at: 'nowhere', status }
    const connection = await store.findConnection(agentId)
    if (connection?.connects_by === 'coordination') return { at: 'the-reference-network' }
    const connectedTo = connection?.connected_replica_id ?? replicaId
    return connectedTo === replicaId ? { at: 'nowhere', status } : { at: 'another-replica', replicaId: connectedTo }
  }

  /** Throws `agent_not_connected` unless {@link dial} can reach the agent from here. */
  async requireConnected(agentId: string): Promise<void> {
    const location = await this.locate(agentId)
    if (location.at !== 'here') throw notConnected(location)
  }
}

/**
 * Words the refusal to dial an agent: its state, and the state it needs (Coder v2 API, v0.13.4).
 */
function notConnected(location: AgentLocation): Failure {
  if (location.at === 'here') return refusal('The agent connected only a moment ago. Try again.')
  if (location.at === 'another-replica') {
    const { replicaId } = location
    return refusal(
      `Agent state is "connected" to another replica of the server (${replicaId}), it must be in the "connected" state to this one.`,
    )
  }
  if (location.at === 'the-reference-network')
    return refusal(
      'The agent of this workspace speaks only the reference\'s own network, so it cannot be reached through this server. Use the reference\'s "coder ssh" or "coder port-forward", or a template that starts Berth\'s agent.',
    )
  const missing = location.status === 'connected' ? ' with a tunnel to this server' : ''
  return refusal(`Agent state is "${location.status}", it must be in the "connected" state${missing}.`)
}

function refusal(message: string): Failure {
  return new Failure('agent_not_connected', { message })
}
