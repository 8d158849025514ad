import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { serveConnection, type ConnectionLimits } from './connection.ts'
import { KEY_BYTES } from './frames.ts'
import { serverKeyOf, type ServerKey } from './handshake.ts'
import { Relay } from './relay.ts'
import type { DerpStore } from './store.ts'

interface Dependencies {
  readonly store: DerpStore
  readonly logger: Logger
  /** From 0 to 1: clients that came at once are not told at once that they are alive. */
  readonly random: () => number
  readonly isEnabled: boolean
  readonly limits?: Partial<ConnectionLimits>
}

const LIMITS: ConnectionLimits = {
  maxPackets: 32,
  maxBytes: 512 * 1024,
  stallTimeoutMs: 10_000,
  bytesPerSecond: 16 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  keepAliveMs: 60_000,
}
const KEEP_ALIVE_SPREAD_MS = 5_000
const MAX_CONNECTIONS = 20_000

/** The relay for agents and clients of the reference that do not reach each other directly. It passes on what is encrypted between them. */
export class DerpService {
  readonly #dependencies: Dependencies
  readonly #limits: ConnectionLimits
  readonly #relay = new Relay()
  readonly #streams = new Map<Duplex, Promise<void>>()
  #serverKey: Promise<ServerKey> | undefined
  #isStopped = false

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#limits = { ...LIMITS, ...dependencies.limits }
  }

  /** Whether clients may come: not when it is switched off, full, or going away. */
  get isOpen(): boolean {
    return this.#dependencies.isEnabled && !this.#isStopped && this.#streams.size < MAX_CONNECTIONS
  }

  /** The key of the relay, made when it is first asked for and the same ever after. */
  async serverKey(): Promise<ServerKey> {
    this.#serverKey ??= this.#readKey()
    try {
      return await this.#serverKey
    } catch (error) {
      this.#serverKey = undefined
      throw error
    }
  }

  /** Takes over a stream of bytes from a client. */
  serve(stream: Duplex, serverKey: ServerKey): void {
    if (this.#isStopped) return void stream.destroy()
    const keepAliveMs = this.#limits.keepAliveMs + this.#dependencies.random() * KEEP_ALIVE_SPREAD_MS
    const serving = this.#follow(
      stream,
      serveConnection(stream, { relay: this.#relay, serverKey, limits: { ...this.#limits, keepAliveMs } }),
    )
    this.#streams.set(stream, serving)
  }

  /** Ends all connections; clients come back when there is a server again. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const stream of this.#streams.keys()) stream.destroy()
    await Promise.all(this.#streams.values())
  }

  async #follow(stream: Duplex, serving: Promise<string>): Promise<void> {
    const { logger } = this.#dependencies
    try {
      const reason = await serving
      logger.debug({ reason }, 'a client left the relay')
    } catch (error) {
      logger.error({ err: error }, 'a client of the relay could not be served')
      stream.destroy()
    } finally {
      this.#streams.delete(stream)
    }
  }

  async #readKey(): Promise<ServerKey> {
    return serverKeyOf(await this.#dependencies.store.secret(randomBytes(KEY_BYTES)))
  }
}
