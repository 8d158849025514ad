import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { CONNECTION_LIMITS, serveConnection, type ConnectionLimits } from './connection.ts'
import { KEY_BYTES } from './frames.ts'
import { serverKeyOf, type ServerKey } from './handshake.ts'
import { Relay } from './relay.ts'
import type { DerpStore } from './store.ts'

interface Dependencies {
  readonly store: DerpStore
  readonly logger: Logger
  /** Returns a number from 0 to 1. Spreads the keep-alives of clients that connected together. */
  readonly random: () => number
  readonly isEnabled: boolean
  readonly limits?: Partial<ConnectionLimits>
}

/** How much later than the keep-alive interval a keep-alive may come. */
const KEEP_ALIVE_SPREAD_MS = CONNECTION_LIMITS.keepAliveMs / 12
const MAX_CONNECTIONS = 20_000

/**
 * The relay for agents and clients of the reference that can't reach each other directly. What it
 * passes on is encrypted between them.
 */
export class DerpService {
  readonly #dependencies: Dependencies
  readonly #limits: ConnectionLimits
  readonly #relay = new Relay()
  readonly #streams = new Map<Duplex, Promise<void>>()
  #serverKey: Promise<ServerKey> | undefined
  #isStopped = false

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#limits = { ...CONNECTION_LIMITS, ...dependencies.limits }
  }

  /** Whether clients may connect. False when the relay is disabled, full or stopping. */
  get isOpen(): boolean {
    return this.#dependencies.isEnabled && !this.#isStopped && this.#streams.size < MAX_CONNECTIONS
  }

  /** Returns the relay's key. It is created on first use and never changes. */
  async serverKey(): Promise<ServerKey> {
    this.#serverKey ??= this.#readKey()
    try {
      return await this.#serverKey
    } catch (error) {
      this.#serverKey = undefined
      throw error
    }
  }

  /** Takes over a client's stream. */
  serve(stream: Duplex, serverKey: ServerKey): void {
    if (this.#isStopped) return void stream.destroy()
    const keepAliveMs = this.#limits.keepAliveMs + this.#dependencies.random() * KEEP_ALIVE_SPREAD_MS
    const serving = this.#follow(
      stream,
      serveConnection(stream, { relay: this.#relay, serverKey, limits: { ...this.#limits, keepAliveMs } }),
    )
    this.#streams.set(stream, serving)
  }

  /** Closes all connections. Clients reconnect once a server is back. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const stream of this.#streams.keys()) stream.destroy()
    await Promise.all(this.#streams.values())
  }

  async #follow(stream: Duplex, serving: Promise<string>): Promise<void> {
    const { logger } = this.#dependencies
    try {
      const reason = await serving
      logger.debug({ reason }, 'a client disconnected from the relay')
    } catch (error) {
      logger.error({ err: error }, 'serving a client of the relay failed')
      stream.destroy()
    } finally {
      this.#streams.delete(stream)
    }
  }

  async #readKey(): Promise<ServerKey> {
    return serverKeyOf(await this.#dependencies.store.secret(randomBytes(KEY_BYTES)))
  }
}
