import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { CONNECTION_LIMITS, serveConnection, type ConnectionLimits } from './connection.ts'
import { KEY_BYTES } from './frames.ts'
import { serverKeyOf, type ServerKey } from './handshake.ts'
import { KnownKeys, idOfNodeKey } from './known-keys.ts'
import { Relay } from './relay.ts'
import type { DerpStore } from './store.ts'

interface Dependencies {
  readonly store: DerpStore
  readonly logger: Logger
  /** Returns a number from 0 to 1. Spreads the keep-alives of clients that connected together. */
  readonly random: () => number
  readonly isEnabled: boolean
  readonly clock: Clock
  /** Tells the other replicas of keys; each of them calls {@link DerpService.learn}. */
  readonly publishKeys: (ids: readonly string[]) => Promise<void>
  readonly limits?: Partial<ConnectionLimits>
}

/** How much later than the keep-alive interval a keep-alive may come. */
const KEEP_ALIVE_SPREAD_MS = CONNECTION_LIMITS.keepAliveMs / 12
const MAX_CONNECTIONS = 20_000
/** How many clients of one address may be strangers at a time. */
const MAX_STRANGERS_PER_ADDRESS = 64

/** A connection whose client isn't known yet. */
interface Stranger {
  /** Undefined until the client has proved its key. */
  id: string | undefined
}

/**
 * The relay for agents and clients of the reference that can't reach each other directly. What it
 * passes on is encrypted between them.
 *
 * Clients present no credentials, so the relay serves those whose keys the coordinator has met:
 * both ends of a connection between an agent and a client learn of each other there first.
 */
export class DerpService {
  readonly #dependencies: Dependencies
  readonly #limits: ConnectionLimits
  readonly #known: KnownKeys
  readonly #relay: Relay
  readonly #strangers = new Map<string, Set<Stranger>>()
  readonly #streams = new Map<Duplex, Promise<void>>()
  #serverKey: Promise<ServerKey> | undefined
  #isStopped = false

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#limits = { ...CONNECTION_LIMITS, ...dependencies.limits }
    const known = new KnownKeys({ ...dependencies, publish: dependencies.publishKeys })
    this.#known = known
    this.#relay = new Relay((id) => known.has(id))
  }

  /**
   * Lets the owner of a node's key use the relay until the returned function is called, and for a
   * day after that.
   */
  admit(nodeKey: unknown): () => void {
    const id = idOfNodeKey(nodeKey)
    return id === undefined ? () => {} : this.#known.hold(id)
  }

  /** Lets the owners of keys that another replica has met use the relay. */
  learn(ids: readonly string[]): void {
    this.#known.learn(ids)
  }

  /** Whether one more client of an address may connect, before it is known who it is. */
  mayConnect(address: string): boolean {
    const strangers = this.#strangers.get(address)
    for (const stranger of strangers ?? []) if (stranger.id !== undefined && this.#known.has(stranger.id)) strangers?.delete(stranger)
    return (strangers?.size ?? 0) < MAX_STRANGERS_PER_ADDRESS
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
  serve(stream: Duplex, { serverKey, address }: { readonly serverKey: ServerKey; readonly address: string }): void {
    if (this.#isStopped) return void stream.destroy()
    const keepAliveMs = this.#limits.keepAliveMs + this.#dependencies.random() * KEEP_ALIVE_SPREAD_MS
    const stranger = this.#addStranger(address)
    const identified = (id: string): void => void (stranger.id = id)
    const limits = { ...this.#limits, keepAliveMs }
    const serving = this.#follow(stream, serveConnection(stream, { relay: this.#relay, serverKey, limits, identified }))
    this.#streams.set(
      stream,
      serving.finally(() => this.#forgetStranger(address, stranger)),
    )
  }

  /** Closes all connections. Clients reconnect once a server is back. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#known.stop()
    for (const stream of this.#streams.keys()) stream.destroy()
    await Promise.all(this.#streams.values())
  }

  #addStranger(address: string): Stranger {
    const stranger: Stranger = { id: undefined }
    this.#strangers.set(address, (this.#strangers.get(address) ?? new Set()).add(stranger))
    return stranger
  }

  #forgetStranger(address: string, stranger: Stranger): void {
    const strangers = this.#strangers.get(address)
    strangers?.delete(stranger)
    if (strangers?.size === 0) this.#strangers.delete(address)
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
