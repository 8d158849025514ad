import { Failure } from '@berth/schema'
import { TunnelRefusal, dialTunnel, socketStream, type DialTunnel } from '@berth/tunnel'
import type { Logger } from 'pino'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { WORKSPACES_CHANNEL } from '../../channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { AgentStore } from './store.ts'

interface OpenTunnel {
  readonly tunnel: DialTunnel
  readonly socket: WebSocket
  readonly workspaceId: string
}

interface Dependencies {
  readonly database: Database
  readonly store: AgentStore
  readonly clock: Clock
  readonly logger: Logger
  readonly replicaId: string
  readonly updateFrequencyMs: number
}

/** How long agents may take to answer the end of their sockets. */
const GOODBYE_MS = 500

/** The tunnels of the agents that are connected to this server, and what the database says about them. */
export class AgentTunnels {
  readonly #dependencies: Dependencies
  readonly #open = new Map<string, OpenTunnel>()
  readonly #following = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> = Promise.resolve()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#beating = this.#beating.then(async () => await this.#beat())
    }, this.#dependencies.updateFrequencyMs)
    this.#timer.unref()
  }

  /** Takes over the socket of an agent. A second socket of the same agent closes the first. Must be called in the tick in which the socket opened. */
  add(agentId: string, workspaceId: string, socket: WebSocket): void {
    const tunnel = dialTunnel(socketStream(socket))
    const previous = this.#open.get(agentId)
    this.#open.set(agentId, { tunnel, socket, workspaceId })
    // Its tunnel ends with it; ended by itself, it would cut the socket before the reason is through.
    previous?.socket.close(1000, 'the agent has connected anew')
    const following = this.#follow({ agentId, workspaceId, tunnel }).finally(() => this.#following.delete(following))
    this.#following.add(following)
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

  /** Closes all tunnels, and returns when the database says so. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    for (const { socket } of this.#open.values()) socket.close(1001, 'the server is shutting down')
    const impatience = setTimeout(() => {
      for (const { socket } of this.#open.values()) socket.terminate()
    }, GOODBYE_MS)
    await Promise.all(this.#following)
    clearTimeout(impatience)
  }

  /** From the first sign of life of a tunnel to its end. */
  async #follow(connection: { agentId: string; workspaceId: string; tunnel: DialTunnel }): Promise<void> {
    const { agentId, workspaceId, tunnel } = connection
    const { store, clock, replicaId, logger } = this.#dependencies
    await this.#write(workspaceId, async () => {
      await store.connected(agentId, replicaId, timestamp(clock.now()))
    })
    const reason = await tunnel.closed
    logger.debug({ agent_id: agentId, reason: reason.message }, 'an agent left')
    if (this.#open.get(agentId)?.tunnel !== tunnel) return
    this.#open.delete(agentId)
    await this.#write(workspaceId, async () => {
      await store.disconnected(agentId, replicaId, timestamp(clock.now()))
    })
  }

  /** What cannot be written now is soon overtaken by the next sign of life, or by its absence. */
  async #write(workspaceId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      await notify(this.#dependencies.database.kysely, WORKSPACES_CHANNEL, workspaceId)
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, 'the connection of an agent could not be noted')
    }
  }

  async #beat(): Promise<void> {
    const { store, clock, logger } = this.#dependencies
    if (this.#open.size === 0) return
    try {
      for (const id of await store.beat([...this.#open.keys()], timestamp(clock.now())))
        this.#open.get(id)?.socket.close(1001, 'build is outdated')
    } catch (error) {
      logger.warn({ err: error }, 'the signs of life of agents could not be noted')
    }
  }
}

/** A refusal for the caller on the other side of a tunnel. */
export function asRefusal(error: unknown): TunnelRefusal {
  if (error instanceof TunnelRefusal) return error
  if (Failure.is(error)) return new TunnelRefusal(error.status, error.message)
  return new TunnelRefusal(502, error instanceof Error ? error.message : String(error))
}
