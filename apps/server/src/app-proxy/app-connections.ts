import { Agent, type ClientRequest, type ClientRequestArgs } from 'node:http'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { AgentDialer } from '../features/agents/agent-dialer.ts'

/** Where a program in a workspace listens. */
export interface AppPort {
  readonly agentId: string
  readonly port: number
  /** Whether it speaks TLS. */
  readonly isSecure: boolean
}

/** Connections to one port at a time. Further requests wait for one to become free. */
const MAX_CONNECTIONS = 1_000
/** Connections to one port that are kept for the next requests. */
const MAX_IDLE_CONNECTIONS = 32
/** How long a program that speaks TLS may take to agree on it. */
const HANDSHAKE_MS = 10_000
/** Shorter than the five seconds after which servers of Node close an idle connection. */
const IDLE_MS = 4_000

type Connected = (error: Error | null, stream: Duplex) => void

/**
 * Connections to programs in workspaces, through the tunnels of their agents. They are kept between
 * requests.
 */
export class AppConnections extends Agent {
  readonly #dialer: Pick<AgentDialer, 'dial'>
  /** Timers that close the idle ones. */
  readonly #idle = new WeakMap<Duplex, NodeJS.Timeout>()

  constructor(dialer: Pick<AgentDialer, 'dial'>) {
    super({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_IDLE_CONNECTIONS, scheduling: 'lifo' })
    this.#dialer = dialer
  }

  /** Returns how a request names a port. */
  to({ agentId, ...place }: AppPort): ClientRequestArgs & { readonly agent: Agent; readonly isSecure: boolean } {
    return { ...place, agent: this, host: agentId }
  }

  override getName(options?: ClientRequestArgs): string {
    return `${options?.host ?? ''}:${options?.port ?? ''}:${isSecure(options) ? 'tls' : ''}`
  }

  override createConnection(options: ClientRequestArgs, callback?: Connected): undefined {
    void this.#connect(options, callback)
    return undefined
  }

  /** Streams of a tunnel have no timeouts, so this class closes those that stay idle. */
  override keepSocketAlive(socket: Duplex): boolean {
    // A timer holds nothing but the stream, and does nothing to one that has been destroyed.
    this.#idle.set(socket, setTimeout(() => socket.destroy(), IDLE_MS).unref())
    return true
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    clearTimeout(this.#idle.get(socket))
    super.reuseSocket(socket, request)
  }

  async #connect(options: ClientRequestArgs, callback?: Connected): Promise<void> {
    let stream: Duplex
    try {
      stream = await this.#dial(options)
    } catch (error) {
      // Node looks at the stream only if there is no error.
      ;(callback as ((error: unknown) => void) | undefined)?.(error)
      return
    }
    callback?.(null, stream)
  }

  async #dial(options: ClientRequestArgs): Promise<Duplex> {
    const stream = await this.#dialer.dial(options.host ?? '', { kind: 'port', port: Number(options.port) })
    if (!isSecure(options)) return withSocketMethods(stream)
    // The tunnel has authenticated the workspace; certificates of its own are good enough inside.
    const secured = connectTls({ socket: stream, rejectUnauthorized: false })
    const timer = setTimeout(() => secured.destroy(new Error('the program did not answer with TLS in time')), HANDSHAKE_MS)
    try {
      return await new Promise((resolve, reject) => {
        secured.once('secureConnect', () => resolve(secured))
        secured.once('error', reject)
        secured.once('close', () => reject(new Error('the program closed the connection before TLS began')))
      })
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Gives a stream what Node calls on each socket that it uses again. */
function withSocketMethods(stream: Duplex): Duplex {
  return Object.assign(stream, { ref: () => stream, unref: () => stream })
}

function isSecure(options: object | undefined): boolean {
  return options !== undefined && 'isSecure' in options && options.isSecure === true
}
