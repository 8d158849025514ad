import { dialTunnel, networkStream, TunnelClosed, TunnelRefusal, type DialTunnel, type TunnelStream } from '@berth/tunnel'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { connectRelay } from './relay-connection.ts'
import { MAX_RELAYED_STREAMS, NOT_HERE, relayedTarget } from './relayed-target.ts'

/** A replica that holds an agent, and how this one reaches it. */
export interface RelayTo {
  readonly replicaId: string
  readonly relayUrl: string
}

interface Dependencies {
  readonly replicaId: string
  readonly clock: Clock
  readonly logger: Logger
  /** Returns the key that all replicas of the deployment share. */
  readonly key: () => Promise<Buffer>
  /** How long a connection without streams is kept. Default {@link IDLE_MS}. */
  readonly idleMs?: number
}

/** How long a replica may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 3_000
const IDLE_MS = 5 * 60_000

/** A replica could not pass a dial on: it is away, or no longer holds the agent. */
export class RelayFailed extends Error {
  override readonly name = 'RelayFailed'
  /** Whether the replica could be reached. */
  readonly isReached: boolean

  constructor(message: string, { isReached, cause }: { readonly isReached: boolean; readonly cause: unknown }) {
    super(message, { cause })
    this.isReached = isReached
  }
}

/** A connection to another replica. */
interface Relay {
  readonly tunnel: DialTunnel
  /** Counts one more dial and its stream, until the returned function is called. */
  readonly use: () => () => void
}

/** Dials agents through the replicas that hold them, over one connection to each of those. */
export class RelayDialer {
  readonly #dependencies: Dependencies
  readonly #relays = new Map<string, Promise<Relay>>()
  readonly #connected = new Set<string>()
  #isClosed = false

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Opens a stream to a target of an agent that another replica holds.
   *
   * @throws RelayFailed when that replica can't be reached, or doesn't hold the agent.
   * @throws TunnelRefusal, TunnelStreamReset when the agent doesn't accept; the signal's reason.
   */
  async dial(
    to: RelayTo,
    { agentId, target }: { readonly agentId: string; readonly target: string },
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<TunnelStream> {
    const { tunnel, use } = await this.#relayTo(to)
    const done = use()
    try {
      const stream = await tunnel.dial(relayedTarget(agentId, target), signal === undefined ? {} : { signal })
      stream.once('close', done)
      return stream
    } catch (error) {
      done()
      if (error instanceof TunnelRefusal && error.status === NOT_HERE)
        throw new RelayFailed(error.message, { isReached: true, cause: error })
      if (error instanceof TunnelClosed) throw new RelayFailed(error.message, { isReached: false, cause: error })
      throw error
    }
  }

  /** Whether a connection to a replica is open, which proves that the replica lives. */
  isConnectedTo(replicaId: string): boolean {
    return this.#connected.has(replicaId)
  }

  /** Closes all connections, and the streams in them. */
  async close(): Promise<void> {
    this.#isClosed = true
    const relays = await Promise.allSettled(this.#relays.values())
    for (const relay of relays) if (relay.status === 'fulfilled') relay.value.tunnel.close('The replica is stopping.')
  }

  async #relayTo(to: RelayTo): Promise<Relay> {
    const connected = this.#relays.get(to.replicaId)
    if (connected !== undefined) return await connected
    const connecting = this.#connect(to)
    this.#relays.set(to.replicaId, connecting)
    const forget = (): void => {
      if (this.#relays.get(to.replicaId) !== connecting) return
      this.#relays.delete(to.replicaId)
      this.#connected.delete(to.replicaId)
    }
    try {
      const relay = await connecting
      this.#connected.add(to.replicaId)
      void relay.tunnel.closed.then(forget)
      return relay
    } catch (error) {
      forget()
      throw error
    }
  }

  async #connect({ replicaId, relayUrl }: RelayTo): Promise<Relay> {
    const { replicaId: from, clock, logger, key, idleMs = IDLE_MS } = this.#dependencies
    try {
      const ends = { key: await key(), from, to: replicaId, now: clock.now().getTime() }
      const socket = await connectRelay(relayUrl, ends, { timeoutMs: CONNECT_TIMEOUT_MS })
      const relay = relayOver(dialTunnel(networkStream(socket), { maxStreams: MAX_RELAYED_STREAMS }), idleMs)
      if (this.#isClosed) relay.tunnel.close()
      return relay
    } catch (error) {
      logger.warn({ err: error, replica_id: replicaId, relay_url: relayUrl }, 'another replica cannot be reached at its BERTH_RELAY_URL')
      throw new RelayFailed('The replica cannot be reached.', { isReached: false, cause: error })
    }
  }
}

/** Closes a tunnel once it has had no stream for a while. */
function relayOver(tunnel: DialTunnel, idleMs: number): Relay {
  let open = 0
  let timer: NodeJS.Timeout | undefined
  const wait = (): void => {
    timer = setTimeout(() => tunnel.close('The connection was idle.'), idleMs).unref()
  }
  wait()
  void tunnel.closed.then(() => clearTimeout(timer))
  return {
    tunnel,
    use() {
      clearTimeout(timer)
      open += 1
      return () => {
        open -= 1
        if (open === 0) wait()
      }
    },
  }
}
