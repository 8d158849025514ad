import type { Duplex } from 'node:stream'
import type { Timers } from './timers.ts'

/** How long one client may hold up the others by not reading. */
const slowClientTimeoutMs = 10_000

/** What a program writes to, and what can make it wait. */
export interface Performer {
  pause: () => void
  resume: () => void
}

/** The clients that see what a program writes. */
export class Audience {
  readonly #timers: Timers
  readonly #performer: Performer
  readonly #onEmpty: () => void
  /** The clients, each with a timer while it isn't reading. */
  readonly #clients = new Map<Duplex, { cancel: () => void } | undefined>()

  constructor(options: {
    timers: Timers
    performer: Performer
    /** Called when the last client has left. */
    onEmpty: () => void
  }) {
    this.#timers = options.timers
    this.#performer = options.performer
    this.#onEmpty = options.onEmpty
  }

  get size(): number {
    return this.#clients.size
  }

  add(client: Duplex): void {
    this.#clients.set(client, undefined)
    client.on('drain', () => this.#caughtUp(client))
    if (client.destroyed) this.#leave(client)
    else client.once('close', () => this.#leave(client))
  }

  /** Shows bytes to every client. */
  show(bytes: Buffer): void {
    for (const client of this.#clients.keys()) this.showTo(client, bytes)
  }

  /**
   * Shows bytes to one client. A slow one holds back the program, as a slow terminal does, but not
   * for long when others watch.
   */
  showTo(client: Duplex, bytes: Buffer): void {
    if (client.write(bytes) || this.#clients.get(client)) return
    this.#performer.pause()
    const lag = this.#timers.setTimeout(() => {
      if (this.#clients.size > 1) client.destroy()
    }, slowClientTimeoutMs)
    this.#clients.set(client, lag)
  }

  /** Ends every client after what it was shown, because the program ended. */
  finish(): void {
    for (const [client, lag] of this.#clients) {
      lag?.cancel()
      client.end()
    }
    this.#clients.clear()
  }

  #caughtUp(client: Duplex): void {
    this.#clients.get(client)?.cancel()
    if (this.#clients.has(client)) this.#clients.set(client, undefined)
    this.#resumeWhenAllRead()
  }

  #leave(client: Duplex): void {
    this.#clients.get(client)?.cancel()
    if (!this.#clients.delete(client)) return
    this.#resumeWhenAllRead()
    if (this.#clients.size === 0) this.#onEmpty()
  }

  #resumeWhenAllRead(): void {
    if ([...this.#clients.values()].every((lag) => lag === undefined)) this.#performer.resume()
  }
}
