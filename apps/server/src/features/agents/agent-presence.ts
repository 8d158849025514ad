import { closeReasons, closeSocket } from '@berth/tunnel'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { OpenConnections } from '../../http/open-connections.ts'
import type { AgentStore, ConnectsBy } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: AgentStore
  /** Everything that agents hold open. Each heartbeat looks for those that have lost access. */
  readonly openAgents: Pick<OpenConnections, 'wake'>
  readonly clock: Clock
  readonly logger: Logger
  readonly replicaId: string
  readonly updateFrequencyMs: number
}

/** A socket that connects an agent to this replica: its tunnel or its coordination. */
export interface AgentConnection {
  readonly agentId: string
  readonly connectsBy: ConnectsBy
  readonly workspaceId: string
  readonly socket: WebSocket
  /** Settles when the connection ends. Never rejects. */
  readonly closed: Promise<unknown>
}

/** One agent, which is present as long as it has a connection. */
interface Presence {
  readonly connections: Set<AgentConnection>
  /** The last of the writes about this agent, which run one after the other. */
  writing: Promise<void>
}

/** How long agents may take to finish the closing handshake when the server stops. */
const CLOSE_TIMEOUT_MS = 500
/**
 * How long the heartbeat of a replica that stopped is kept. Far longer than agents stay `connected`
 * without one.
 */
const STOPPED_REPLICA_RETENTION_MS = 24 * 3_600_000

/**
 * Tracks which agents are connected to this replica, over whichever protocol, and keeps the
 * database up to date.
 */
export class AgentPresence {
  readonly #dependencies: Dependencies
  readonly #present = new Map<string, Presence>()
  readonly #following = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> = Promise.resolve()
  /**
   * Whether the database may be wrong about an agent, so that a heartbeat is due even without
   * agents.
   */
  #owesBeat = true

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  start(): void {
    this.#beating = this.#deleteStoppedReplicas()
    this.#timer = setInterval(() => {
      this.#beating = this.#beating.then(async () => await this.#beat())
    }, this.#dependencies.updateFrequencyMs)
    this.#timer.unref()
  }

  /**
   * Counts an agent as connected until the connection ends. Closes its socket when the server
   * stops.
   */
  add(connection: AgentConnection): void {
    const presence = this.#present.get(connection.agentId) ?? { connections: new Set(), writing: Promise.resolve() }
    this.#present.set(connection.agentId, presence)
    presence.connections.add(connection)
    const following = this.#follow(connection, presence)
      .catch((error: unknown) => {
        this.#dependencies.logger.error({ err: error, agent_id: connection.agentId }, 'an agent could not be tracked')
        connection.socket.terminate()
      })
      .finally(() => this.#following.delete(following))
    this.#following.add(following)
  }

  /** Closes all connections. Resolves once the database has every agent as disconnected. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    for (const { socket } of this.#connections()) closeSocket(socket, closeReasons.serverStopping)
    const timeout = setTimeout(() => {
      for (const { socket } of this.#connections()) socket.terminate()
    }, CLOSE_TIMEOUT_MS)
    await Promise.all(this.#following)
    clearTimeout(timeout)
  }

  #connections(): AgentConnection[] {
    return [...this.#present.values()].flatMap(({ connections }) => [...connections])
  }

  async #follow(connection: AgentConnection, presence: Presence): Promise<void> {
    const { agentId, workspaceId, connectsBy, closed } = connection
    const { store, clock, replicaId } = this.#dependencies
    await this.#write(
      { presence, workspaceId },
      async () => await store.connected(agentId, { replicaId, connectsBy }, timestamp(clock.now())),
    )
    await closed
    presence.connections.delete(connection)
    if (presence.connections.size > 0) return
    await this.#write({ presence, workspaceId }, async () => {
      // An agent that reconnected meanwhile stays connected.
      if (presence.connections.size === 0) await store.disconnected(agentId, replicaId, timestamp(clock.now()))
    })
    if (presence.connections.size === 0 && this.#present.get(agentId) === presence) this.#present.delete(agentId)
  }

  /**
   * Runs a write after the agent's earlier ones. A failed one is corrected by the next heartbeat.
   */
  async #write(of: { readonly presence: Presence; readonly workspaceId: string }, work: () => Promise<unknown>): Promise<void> {
    const writing = this.#writeAfter(of.presence.writing, of.workspaceId, work)
    of.presence.writing = writing
    await writing
  }

  async #writeAfter(before: Promise<void>, workspaceId: string, work: () => Promise<unknown>): Promise<void> {
    const { database, logger } = this.#dependencies
    await before
    try {
      await work()
      await notify(database.kysely, WORKSPACES_CHANNEL, workspaceId)
    } catch (error) {
      this.#owesBeat = true
      logger.warn({ err: error }, 'the connection state of an agent could not be stored')
    }
  }

  async #beat(): Promise<void> {
    const { store, openAgents, clock, logger, replicaId } = this.#dependencies
    await openAgents.wake()
    // Read the time first: agents that connect during the heartbeat are then newer than it, and
    // left alone.
    const now = timestamp(clock.now())
    const ids = [...this.#present].filter(([, { connections }]) => connections.size > 0).map(([id]) => id)
    if (ids.length === 0 && !this.#owesBeat) return
    this.#owesBeat = ids.length > 0
    try {
      await store.beat(ids, replicaId, now)
    } catch (error) {
      this.#owesBeat = true
      logger.warn({ err: error }, 'the heartbeat of agents could not be stored')
    }
  }

  async #deleteStoppedReplicas(): Promise<void> {
    const { store, clock, logger } = this.#dependencies
    try {
      await store.deleteReplicas(timestamp(clock.now().getTime() - STOPPED_REPLICA_RETENTION_MS))
    } catch (error) {
      logger.warn({ err: error }, 'replicas that stopped could not be deleted')
    }
  }
}
