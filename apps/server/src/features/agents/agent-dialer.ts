import type { Duplex } from 'node:stream'
import { Failure, type AgentStatus } from '@berth/schema'
import { TunnelRefusal, formatAgentTarget, type AgentTarget } from '@berth/tunnel'
import { RelayFailed, type RelayDialer, type RelayTo } from '../../replicas/relay-dialer.ts'
import type { AgentTunnels } from './agent-tunnels.ts'
import type { ResourcePresenter } from './present.ts'
import type { AgentStore } from './store.ts'

/** The replica an agent is connected to. */
export type AgentLocation =
  /** This replica holds the agent's tunnel. */
  | { readonly at: 'here' }
  /** Another replica of the deployment does, which this one can reach. */
  | ({ readonly at: 'another-replica' } & RelayTo)
  /** Another replica does, and doesn't say how to reach it. */
  | { readonly at: 'a-replica-without-relay'; readonly replicaId: string }
  /** The replica that held the agent's tunnel has died, and the agent isn't back yet. */
  | { readonly at: 'a-dead-replica' }
  /** The agent is connected, but as the reference's agents are, which have no tunnel. */
  | { readonly at: 'the-reference-network' }
  /** No replica can dial the agent. If it is `connected`, its tunnel closed a moment ago. */
  | { readonly at: 'nowhere'; readonly status: AgentStatus }

interface Dependencies {
  readonly tunnels: Pick<AgentTunnels, 'find'>
  readonly store: Pick<AgentStore, 'getView' | 'findConnection'>
  readonly resources: ResourcePresenter
  readonly relays: Pick<RelayDialer, 'dial' | 'isConnectedTo'>
  readonly replicaId: string
  /** How long an agent may take to accept or refuse a dial. Default {@link DIAL_TIMEOUT_MS}. */
  readonly dialTimeoutMs?: number
}

interface DialOptions {
  /** Gives up while the agent has not answered; it has no effect on the stream. */
  readonly signal?: AbortSignal
}

/** Longer than an agent takes to find that nothing listens on a port. */
const DIAL_TIMEOUT_MS = 30_000
/** How often an agent is looked for that moves from replica to replica meanwhile. */
const MAX_LOOK_UPS = 4

/** Connects to programs in workspaces. Everything that needs a stream to an agent gets it here. */
export class AgentDialer {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Opens a byte stream to a target in an agent's workspace, through another replica if that one
   * holds the agent.
   *
   * @throws Failure `agent_not_connected` unless a replica holds the agent.
   * @throws TunnelRefusal, TunnelClosed, TunnelStreamReset when the agent doesn't accept.
   */
  async dial(agentId: string, target: AgentTarget, options: DialOptions = {}): Promise<Duplex> {
    const { relays } = this.#dependencies
    let failed: { readonly replicaId: string; readonly error: RelayFailed } | undefined
    for (let lookUps = 0; lookUps < MAX_LOOK_UPS; lookUps++) {
      const stream = this.dialHere(agentId, target, options)
      if (stream !== undefined) return await stream
      const location = await this.locate(agentId)
      if (location.at === 'here') continue
      if (location.at !== 'another-replica') throw notConnected(location)
      if (failed?.replicaId === location.replicaId) break
      try {
        return await relays.dial(location, { agentId, target: formatAgentTarget(target) }, options)
      } catch (error) {
        if (!(error instanceof RelayFailed)) throw error
        failed = { replicaId: location.replicaId, error }
      }
    }
    throw failed?.error.isReached === false ? unreachable(failed.replicaId) : notConnected({ at: 'here' })
  }

  /**
   * Like {@link dial}, for an agent that is connected to this replica. Undefined: it isn't.
   */
  dialHere(agentId: string, target: AgentTarget, { signal }: DialOptions = {}): Promise<Duplex> | undefined {
    const { tunnels, dialTimeoutMs = DIAL_TIMEOUT_MS } = this.#dependencies
    const tunnel = tunnels.find(agentId)
    if (tunnel === undefined) return undefined
    const timeout = AbortSignal.timeout(dialTimeoutMs)
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    return tunnel.dial(formatAgentTarget(target), { signal: either }).catch((error: unknown) => {
      if (error !== timeout.reason) throw error
      throw new TunnelRefusal(504, `The agent did not answer within ${dialTimeoutMs / 1000} s.`)
    })
  }

  /** Returns where an agent is connected. */
  async locate(agentId: string): Promise<AgentLocation> {
    const { tunnels, store, resources, relays, replicaId } = this.#dependencies
    if (tunnels.find(agentId) !== undefined) return { at: 'here' }
    const connection = await store.findConnection(agentId)
    const holder = connection?.connects_by === 'coordination' ? null : (connection?.connected_replica_id ?? null)
    // A living replica corrects its agents, so their status need not be asked for. It may have lost
    // its lock for a moment, together with the database.
    if (holder !== null && holder !== replicaId && (connection?.is_alive === true || relays.isConnectedTo(holder)))
      return relayOf(holder, connection?.relay_url ?? null)
    const { status } = resources.presentAgent(await store.getView(agentId))
    if (status !== 'connected') return { at: 'nowhere', status }
    if (connection?.connects_by === 'coordination') return { at: 'the-reference-network' }
    if (holder === null || holder === replicaId) return { at: 'nowhere', status }
    return connection?.is_alive === false ? { at: 'a-dead-replica' } : { at: 'a-replica-without-relay', replicaId: holder }
  }

  /** Throws `agent_not_connected` unless {@link dial} can reach the agent from here. */
  async requireConnected(agentId: string): Promise<void> {
    const location = await this.locate(agentId)
    if (location.at !== 'here' && location.at !== 'another-replica') throw notConnected(location)
  }
}

function relayOf(replicaId: string, relayUrl: string | null): AgentLocation {
  return relayUrl === null ? { at: 'a-replica-without-relay', replicaId } : { at: 'another-replica', replicaId, relayUrl }
}

/**
 * Words the refusal to dial an agent: its state, and the state it needs (Coder v2 API, v0.13.4).
 */
function notConnected(location: Exclude<AgentLocation, { at: 'another-replica' }>): Failure {
  if (location.at === 'here') return refusal('The agent connected only a moment ago. Try again.')
  if (location.at === 'a-replica-without-relay')
    return refusal(
      `Agent state is "connected" to another replica of the server (${location.replicaId}), it must be in the "connected" state to this one. If BERTH_RELAY_URL is set on every replica, any of them reaches the agent.`,
    )
  if (location.at === 'a-dead-replica')
    return refusal(
      'The replica of the server that the agent was connected to has stopped. The agent connects to another one within seconds. Try again.',
    )
  if (location.at === 'the-reference-network')
    return refusal(
      'The agent of this workspace speaks only the reference\'s own network, so it cannot be reached through this server. Use the reference\'s "coder ssh" or "coder port-forward", or a template that starts Berth\'s agent.',
    )
  const missing = location.status === 'connected' ? ' with a tunnel to this server' : ''
  return refusal(`Agent state is "${location.status}", it must be in the "connected" state${missing}.`)
}

function unreachable(replicaId: string): Failure {
  return refusal(
    `The agent is connected to another replica of the server (${replicaId}), which cannot be reached from this one. An administrator can check its BERTH_RELAY_URL.`,
  )
}

function refusal(message: string): Failure {
  return new Failure('agent_not_connected', { message })
}
