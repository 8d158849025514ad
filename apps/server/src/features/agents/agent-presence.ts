import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { AgentStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: AgentStore
  readonly clock: Clock
  readonly logger: Logger
  readonly replicaId: string
  readonly updateFrequencyMs: number
}

/** A socket over which an agent is connected to this server. */
export interface AgentConnection {
  readonly agentId: string
  readonly workspaceId: string
  readonly socket: WebSocket
  /** Settles when the connection is over. Never rejects. */
  readonly closed: Promise<unknown>
}

/** One agent: it is here as long as one of its sockets is. */
interface Presence {
  readonly connections: Set<AgentConnection>
  /** What the database is told of it, one after the other. */
  writing: Promise<void>
}

/** How long agents may take to answer the end of their sockets. */
const GOODBYE_MS = 500
/** A server that has not said anything for so long is gone. */
const FORGET_AFTER_MS = 24 * 3_600_000

/** Which agents are connected to this server, whatever they speak, and what the database says about it. */
export class AgentPresence {
  readonly #dependencies: Dependencies
  readonly #present = new Map<string, Presence>()
  readonly #following = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> = Promise.resolve()
  /** The database may hold agents for connected that are not, or know of none that is. */
  #owesBeat = true

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  start(): void {
    this.#beating = this.#forgetReplicas()
    this.#timer = setInterval(() => {
      this.#beating = this.#beating.then(async () => await this.#beat())
    }, this.#dependencies.updateFrequencyMs)
    this.#timer.unref()
  }

  /** Counts an agent as connected until the connection is over. Its socket is closed when the agent's build is outdated or the server stops. */
  add(connection: AgentConnection): void {
    const presence = this.#present.get(connection.agentId) ?? { connections: new Set(), writing: Promise.resolve() }
    this.#present.set(connection.agentId, presence)
    presence.connections.add(connection)
    const following = this.#follow(connection, presence)
      .catch((error: unknown) => {
        this.#dependencies.logger.error({ err: error, agent_id: connection.agentId }, 'an agent could not be followed')
        connection.socket.terminate()
      })
      .finally(() => this.#following.delete(following))
    this.#following.add(following)
  }

  /** Closes all sockets, and returns when the database says so. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    for (const { socket } of this.#connections()) socket.close(1001, 'the server is shutting down')
    const impatience = setTimeout(() => {
      for (const { socket } of this.#connections()) socket.terminate()
    }, GOODBYE_MS)
    await Promise.all(this.#following)
    clearTimeout(impatience)
  }

  #connections(): AgentConnection[] {
    return [...this.#present.values()].flatMap(({ connections }) => [...connections])
  }

  async #follow(connection: AgentConnection, presence: Presence): Promise<void> {
    const { agentId, workspaceId, closed } = connection
    const { store, clock, replicaId } = this.#dependencies
    await this.#write({ presence, workspaceId }, async () => await store.connected(agentId, replicaId, timestamp(clock.now())))
    await closed
    presence.connections.delete(connection)
    if (presence.connections.size > 0) return
    await this.#write({ presence, workspaceId }, async () => {
      // Whoever has come back meanwhile is connected.
      if (presence.connections.size === 0) await store.disconnected(agentId, replicaId, timestamp(clock.now()))
    })
    if (presence.connections.size === 0 && this.#present.get(agentId) === presence) this.#present.delete(agentId)
  }

  /** What cannot be written now is soon overtaken by the next sign of life, or by its absence. */
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
      logger.warn({ err: error }, 'the connection of an agent could not be noted')
    }
  }

  async #beat(): Promise<void> {
    const { store, clock, logger, replicaId } = this.#dependencies
    // With the time before anything else: whoever comes later is not looked for among those who are here.
    const now = timestamp(clock.now())
    const ids = [...this.#present].filter(([, { connections }]) => connections.size > 0).map(([id]) => id)
    if (ids.length === 0 && !this.#owesBeat) return
    this.#owesBeat = ids.length > 0
    try {
      for (const id of await store.beat(ids, replicaId, now))
        for (const { socket } of this.#present.get(id)?.connections ?? []) socket.close(1001, 'build is outdated')
    } catch (error) {
      this.#owesBeat = true
      logger.warn({ err: error }, 'the signs of life of agents could not be noted')
    }
  }

  async #forgetReplicas(): Promise<void> {
    const { store, clock, logger } = this.#dependencies
    try {
      await store.forgetReplicas(timestamp(clock.now().getTime() - FORGET_AFTER_MS))
    } catch (error) {
      logger.warn({ err: error }, 'servers that are gone could not be forgotten')
    }
  }
}
