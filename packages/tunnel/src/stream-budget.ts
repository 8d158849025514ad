import type { Http2Session, Http2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { TunnelStreamReset } from './failures.ts'
import { connectionWindowBytes, maxHeldBytes, maxStreamWindowBytes, minStreamWindowBytes, startStreamWindowBytes } from './flow-control.ts'

/** What the streams that share a budget use of it now. */
export interface BudgetUse {
  readonly streams: number
  /** Bytes that arrived and nobody has read, and bytes that wait to be sent. */
  readonly bytes: number
}

/** Bounds the streams of several tunnels together, such as all those of one user. */
export class StreamBudget {
  readonly maxStreams: number
  readonly maxBytes: number
  readonly #meters = new Set<StreamMeter>()

  constructor({ maxStreams, maxBytes }: { readonly maxStreams: number; readonly maxBytes: number }) {
    this.maxStreams = maxStreams
    this.maxBytes = maxBytes
  }

  /** How many tunnels share the budget. */
  get tunnels(): number {
    return this.#meters.size
  }

  /** Returns what is in use. */
  use(): BudgetUse {
    let [streams, bytes] = [0, 0]
    for (const meter of this.#meters) {
      streams += meter.open
      bytes += meter.heldBytes()
    }
    return { streams, bytes }
  }

  /** Counts a tunnel's streams until {@link leave}. */
  join(meter: StreamMeter): void {
    this.#meters.add(meter)
  }

  leave(meter: StreamMeter): void {
    this.#meters.delete(meter)
  }

  /** Ends the streams that hold the most, if all of them hold too much. */
  enforce(): void {
    endLargest(this.use().bytes - this.maxBytes, () => [...this.#meters].flatMap((meter) => meter.holders()))
  }
}

/** A stream, what it holds, and how to end it. */
interface Holder {
  readonly bytes: number
  readonly end: () => void
}

interface MeterOptions {
  /** How many streams the tunnel may have. */
  readonly maxStreams: number
  readonly shared: StreamBudget | undefined
  /** Ends a stream that nobody has accepted and that holds too much. */
  readonly breakOff: (stream: Http2Stream) => void
}

/**
 * Counts the streams of one tunnel and the unread bytes that they hold, and fits the window of each
 * stream to them.
 *
 * Node returns the credit of a connection as soon as bytes arrive, so the connection's window
 * doesn't bound what stalled streams hold together; the windows of the streams have to. A peer that
 * ignores them loses the streams that hold the most.
 */
export class StreamMeter {
  readonly #session: Http2Session
  readonly #options: MeterOptions
  /** Open streams, and what reads and writes them once they are accepted. */
  readonly #streams = new Map<Http2Stream, Duplex | undefined>()
  #windowBytes = startStreamWindowBytes
  #arrivedBytes = 0
  #left = false

  constructor(session: Http2Session, options: MeterOptions) {
    this.#session = session
    this.#options = options
    options.shared?.join(this)
  }

  /** How many streams are open. */
  get open(): number {
    return this.#streams.size
  }

  /** Returns how many bytes arrived and were not read, or wait to be sent. */
  heldBytes(): number {
    let bytes = 0
    for (const [carrier, stream] of this.#streams) bytes += heldBy(carrier, stream)
    return bytes
  }

  /** Returns the limit that one more stream would exceed; undefined when there is room. */
  exceeded(): number | undefined {
    const { maxStreams, shared } = this.#options
    if (this.open >= maxStreams) return maxStreams
    return shared !== undefined && shared.use().streams >= shared.maxStreams ? shared.maxStreams : undefined
  }

  add(carrier: Http2Stream): void {
    this.#streams.set(carrier, undefined)
    carrier.once('close', () => {
      this.#streams.delete(carrier)
      if (this.open === 0) this.#setWindow(startStreamWindowBytes)
    })
    this.#narrow()
  }

  /** Also counts what the reader and writer of an open stream holds. */
  hold(carrier: Http2Stream, stream: Duplex): void {
    if (this.#streams.has(carrier)) this.#streams.set(carrier, stream)
  }

  /** Takes note of bytes that arrived for the tunnel. */
  arrived(bytes: number): void {
    this.#arrivedBytes += bytes
    if (this.#arrivedBytes < checkEveryBytes) return
    this.#arrivedBytes = 0
    this.#enforce()
    this.#setWindow(this.#share())
  }

  /** Stops counting: the tunnel has closed. */
  leave(): void {
    this.#left = true
    this.#streams.clear()
    this.#options.shared?.leave(this)
  }

  /** Lists the open streams, with what each holds. */
  holders(): Holder[] {
    return [...this.#streams].map(([carrier, stream]) => ({
      bytes: heldBy(carrier, stream),
      end: () => {
        this.#streams.delete(carrier)
        if (stream === undefined) this.#options.breakOff(carrier)
        else stream.destroy(new TunnelStreamReset(overBudget))
      },
    }))
  }

  #enforce(): void {
    const { shared } = this.#options
    endLargest(this.heldBytes() - maxHeldBytes, () => this.holders())
    shared?.enforce()
  }

  /** Returns what is left of the budget for each stream, as a power of two. */
  #share(): number {
    const share = (connectionWindowBytes - this.heldBytes()) / Math.max(1, this.open)
    let window = maxStreamWindowBytes
    while (window > share && window > minStreamWindowBytes) window /= 2
    return window
  }

  /** Makes room for a stream. Only bytes that flow widen the windows again. */
  #narrow(): void {
    const share = this.#share()
    if (share < this.#windowBytes) this.#setWindow(share)
  }

  #setWindow(bytes: number): void {
    const { destroyed, connecting, pendingSettingsAck } = this.#session
    if (bytes === this.#windowBytes || this.#left || destroyed || connecting || pendingSettingsAck) return
    this.#windowBytes = bytes
    this.#session.settings({ initialWindowSize: bytes }, () => this.#narrow())
  }
}

/** The budget is checked each time this many bytes have arrived. */
const checkEveryBytes = 256 * 1024
const overBudget = 'The stream was ended: too many bytes that nobody read were waiting.'

/**
 * Returns how many bytes an HTTP/2 stream and its reader and writer hold. A chunk that is being
 * written belongs to both.
 */
function heldBy(carrier: Http2Stream, stream: Duplex | undefined): number {
  const read = carrier.readableLength + (stream?.readableLength ?? 0)
  return read + Math.max(carrier.writableLength, stream?.writableLength ?? 0)
}

/** Ends the streams that hold the most, until they held `excess` bytes together. */
function endLargest(excess: number, holders: () => Holder[]): void {
  if (excess <= 0) return
  let left = excess
  for (const { bytes, end } of holders().toSorted((a, b) => b.bytes - a.bytes)) {
    if (left <= 0) return
    left -= bytes
    end()
  }
}
