import type { ServerResponse } from 'node:http'
import { eventPingIntervalMs } from '@berth/schema/rules'

/**
 * One client of a server-sent event stream. While the client is behind, a newer event replaces the
 * one that waits, so a stalled client costs one event of memory, however long it stalls.
 */
export class EventStream {
  readonly #response: ServerResponse
  #waiting: string | undefined
  #isBlocked = false
  readonly #onClose: (() => void)[] = []

  constructor(response: ServerResponse) {
    this.#response = response
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache',
      Connection: 'keep-alive',
      'X-Accel-Buffering': 'no',
    })
    response.flushHeaders()
    response.on('drain', () => this.#drained())
    response.on('error', () => response.destroy())
    response.on('close', () => {
      for (const listener of this.#onClose) listener()
    })
  }

  get isClosed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded
  }

  /** Sends framed text (see {@link frame}). Only the newest is kept while the client is behind. */
  send(framed: string): void {
    if (this.isClosed) return
    if (this.#isBlocked) this.#waiting = framed
    else this.#isBlocked = !this.#response.write(framed)
  }

  /**
   * Sends framed text that no other may replace. Resolves once the client has room for more, or has
   * left.
   */
  async deliver(framed: string): Promise<void> {
    if (this.isClosed) return
    this.#isBlocked = !this.#response.write(framed)
    if (!this.#isBlocked) return
    await new Promise<void>((resolve) => {
      this.#response.once('drain', resolve)
      this.onClose(resolve)
    })
  }

  /** Pings the client now and every {@link eventPingIntervalMs}, except while it is behind. */
  keepAlive(): void {
    this.#ping()
    const timer = setInterval(() => this.#ping(), eventPingIntervalMs)
    this.onClose(() => clearInterval(timer))
  }

  /** Calls `listener` when the stream closes; at once when it is closed already. */
  onClose(listener: () => void): void {
    if (this.isClosed) listener()
    else this.#onClose.push(listener)
  }

  end(): void {
    this.#response.end()
  }

  #ping(): void {
    if (!this.isClosed && !this.#isBlocked) this.#isBlocked = !this.#response.write(PING)
  }

  #drained(): void {
    this.#isBlocked = false
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) this.send(waiting)
  }
}

const PING = 'event: ping\n\n'

/** Frames one event. The data is a JSON document on one line, as `writeJson` returns it. */
export function frame(event: 'data' | 'error', json: string): string {
  return `event: ${event}\ndata: ${json.trimEnd()}\n\n`
}
