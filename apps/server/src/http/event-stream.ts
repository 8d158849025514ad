import type { ServerResponse } from 'node:http'

/**
 * One client of a server-sent event stream. Events that a slow client has not taken yet are replaced by the newest one, so a client that stalls costs one
 * event of memory, however long it stalls.
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

  /** Sends framed text (see {@link frame}). While the client is behind, only the newest is kept. */
  send(framed: string): void {
    if (this.isClosed) return
    if (this.#isBlocked) this.#waiting = framed
    else this.#isBlocked = !this.#response.write(framed)
  }

  /** Sends a sign of life; left out while the client is behind. */
  ping(): void {
    if (!this.isClosed && !this.#isBlocked) this.#isBlocked = !this.#response.write(PING)
  }

  onClose(listener: () => void): void {
    if (this.isClosed) listener()
    else this.#onClose.push(listener)
  }

  end(): void {
    this.#response.end()
  }

  #drained(): void {
    this.#isBlocked = false
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) this.send(waiting)
  }
}

const PING = 'event: ping\n\n'

/** Frames one event whose data is a JSON document on one line, as `writeJson` makes it. */
export function frame(event: 'data' | 'error', json: string): string {
  return `event: ${event}\ndata: ${json.trimEnd()}\n\n`
}
