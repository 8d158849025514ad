import type { Http2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { TunnelClosed, TunnelRefusal } from './failures.ts'
import { connectionWindowBytes, maxFrameBytes, startStreamWindowBytes } from './flow-control.ts'
import type { StreamBudget, StreamMeter } from './stream-budget.ts'
import { deadAfterMs, pingIntervalMs } from './keep-alive.ts'
import { maxTargetLength } from './target.ts'

/** What either end of a tunnel may set for itself. */
export interface TunnelOptions {
  /** How often to ping the peer, in milliseconds. Default 5 000. */
  pingIntervalMs?: number
  /**
   * The tunnel closes when no byte arrives from the peer for this long, in milliseconds. Keep it
   * above two ping intervals. Default: three ping intervals, 15 000.
   */
  deadAfterMs?: number
  /** How many streams may be open at once; any more are refused with 503. Default 1 000. */
  maxStreams?: number
  /** Counts the streams of several tunnels together. */
  budget?: StreamBudget
}

/** What both ends of a tunnel offer. */
export interface Tunnel {
  /**
   * Resolves with the reason once the tunnel has closed and all its streams are destroyed. Never
   * rejects.
   */
  readonly closed: Promise<TunnelClosed>
  /**
   * Closes the tunnel at once and destroys every stream in it with {@link TunnelClosed}, at both
   * ends. It doesn't wait for streams to finish, since a shell never ends by itself; end the
   * streams first if they should. Further calls do nothing.
   */
  close(reason?: string): void
}

const defaultMaxStreams = 1_000

/** Returns how many streams may be open at once. */
export function maxStreamsOf({ maxStreams = defaultMaxStreams }: TunnelOptions): number {
  return maxStreams
}

/** Returns the refusal of one stream above the limit. */
export function tooManyStreams(maxStreams: number): TunnelRefusal {
  return new TunnelRefusal(503, `The tunnel has ${maxStreams} open streams, which is the limit. Close some and try again.`)
}

/**
 * Returns the HTTP/2 options of either end: small windows that a meter widens, and narrow limits on
 * headers.
 */
export function sessionOptions(options: TunnelOptions) {
  const maxStreams = maxStreamsOf(options)
  return {
    settings: {
      initialWindowSize: startStreamWindowBytes,
      maxFrameSize: maxFrameBytes,
      maxHeaderListSize: 2 * maxTargetLength,
      maxConcurrentStreams: maxStreams,
      enablePush: false,
    },
    peerMaxConcurrentStreams: maxStreams,
    // In megabytes. At Node's default of 10, a few slow readers would block everyone else's
    // streams.
    maxSessionMemory: 1_024,
  }
}

/**
 * Ties an HTTP/2 session to the stream that carries it: both end together, and a silent peer ends
 * them.
 */
export class SessionGuard implements Tunnel {
  readonly closed: Promise<TunnelClosed>
  readonly #session: Http2Session
  readonly #carrier: Duplex
  readonly #timer: NodeJS.Timeout
  readonly #deadAfterMs: number
  #resolveClosed: (reason: TunnelClosed) => void = () => undefined
  #reason: TunnelClosed | undefined
  #heardAt = performance.now()

  constructor(session: Http2Session, carrier: Duplex, options: TunnelOptions) {
    const intervalMs = options.pingIntervalMs ?? pingIntervalMs
    this.#session = session
    this.#carrier = carrier
    this.#deadAfterMs = options.deadAfterMs ?? deadAfterMs(intervalMs)
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    session.on('error', (error: Error) => this.#fail(`The tunnel broke: ${error.message}`, error))
    session.once('close', () => this.#fail('The far end closed the tunnel.'))
    session.once('goaway', () => this.#fail('The far end closed the tunnel.'))
    carrier.on('error', (error: Error) => this.#fail(`The connection below the tunnel broke: ${error.message}`, error))
    carrier.once('end', () => this.#fail('The connection below the tunnel ended.'))
    carrier.once('close', () => this.#fail('The connection below the tunnel ended.'))
    carrier.on('data', () => {
      this.#heardAt = performance.now()
    })
    this.#timer = setInterval(() => this.#beat(), intervalMs)
    this.#timer.unref()
  }

  /** Returns why the tunnel closed; undefined while it is open. */
  readonly reason = (): TunnelClosed | undefined => this.#reason

  close(reason = 'This end closed the tunnel.'): void {
    this.#fail(reason)
  }

  /** Counts arriving bytes with a meter, until the tunnel closes. */
  measure(meter: StreamMeter): void {
    this.#carrier.on('data', (chunk: Buffer) => meter.arrived(chunk.length))
    void this.closed.then(() => meter.leave())
  }

  /** Widens the window of the connection. Call it once the session is connected. */
  widen(): void {
    if (!this.#session.destroyed) this.#session.setLocalWindowSize(connectionWindowBytes)
  }

  #beat(): void {
    const silentMs = performance.now() - this.#heardAt
    if (silentMs > this.#deadAfterMs) {
      this.#fail(`The far end was silent for ${Math.round(silentMs / 1000)} s.`)
      return
    }
    // Any byte proves that the peer is alive, and on a busy link the answer itself may queue behind
    // data.
    if (!this.#session.destroyed && !this.#session.connecting) this.#session.ping(() => undefined)
  }

  #fail(message: string, cause?: Error): void {
    if (this.#reason) return
    this.#reason = new TunnelClosed(message, cause === undefined ? undefined : { cause })
    clearInterval(this.#timer)
    this.#session.destroy()
    this.#carrier.destroy()
    this.#resolveClosed(this.#reason)
  }
}
