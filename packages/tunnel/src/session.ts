import type { Http2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { TunnelClosed } from './failures.ts'

/** What both ends of a tunnel may set; each end keeps its own. */
export interface TunnelOptions {
  /** How often to ask the peer for a sign of life, in milliseconds; 5 000 unless given. */
  pingIntervalMs?: number
  /** Without a byte from the peer for this long the tunnel is closed, in milliseconds; 15 000 unless given. Keep it above two ping intervals. */
  deadAfterMs?: number
  /** Streams open at once; one more is refused with status 503. 1 000 unless given. */
  maxStreams?: number
}

/** What both ends of a tunnel offer. */
export interface Tunnel {
  /** Resolves, never rejects, with the reason when the tunnel is gone. All its streams are destroyed by then. */
  readonly closed: Promise<TunnelClosed>
  /**
   * Closes the tunnel at once: every stream in it is destroyed with {@link TunnelClosed}, at both ends. It does not wait for streams to finish (a
   * shell has no end of its own); who wants that ends the streams first. Calling it again changes nothing.
   */
  close(reason?: string): void
}

export const defaults = { pingIntervalMs: 5_000, deadAfterMs: 15_000, maxStreams: 1_000 } as const

const streamWindowBytes = 4 * 1024 * 1024
const connectionWindowBytes = 16 * 1024 * 1024

/** HTTP/2 options of both ends: wide windows against latency, narrow limits on headers. */
export function sessionOptions(options: TunnelOptions) {
  const maxStreams = options.maxStreams ?? defaults.maxStreams
  return {
    settings: {
      initialWindowSize: streamWindowBytes,
      maxFrameSize: 64 * 1024,
      maxHeaderListSize: 16 * 1024,
      maxConcurrentStreams: maxStreams,
      enablePush: false,
    },
    peerMaxConcurrentStreams: maxStreams,
    // Node refuses new streams above this, 10 MB unless told otherwise: a few slow readers would lock everybody else out.
    maxSessionMemory: 1_024,
  }
}

/** Ties an HTTP/2 session to the stream that carries it: one end for both, and a peer that went silent is noticed. */
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
    this.#session = session
    this.#carrier = carrier
    this.#deadAfterMs = options.deadAfterMs ?? defaults.deadAfterMs
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
    this.#timer = setInterval(() => this.#beat(), options.pingIntervalMs ?? defaults.pingIntervalMs)
    this.#timer.unref()
  }

  /** Why the tunnel is gone, or undefined while it stands. */
  readonly reason = (): TunnelClosed | undefined => this.#reason

  close(reason = 'This end closed the tunnel.'): void {
    this.#fail(reason)
  }

  /** To be called when the session can speak: widens the window of the connection. */
  widen(): void {
    if (!this.#session.destroyed) this.#session.setLocalWindowSize(connectionWindowBytes)
  }

  #beat(): void {
    const silentMs = performance.now() - this.#heardAt
    if (silentMs > this.#deadAfterMs) {
      this.#fail(`The far end was silent for ${Math.round(silentMs / 1000)} s.`)
      return
    }
    // Any byte counts as a sign of life, so the answer itself is of no interest here; on a busy link it may queue behind data.
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
