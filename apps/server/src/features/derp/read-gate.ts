import type { Duplex } from 'node:stream'

/** Why nothing is read of a client: its rate, a full queue, or its earlier connection. */
export type Hold = 'rate' | 'room' | 'turn'

/** Pauses a stream for as long as there is a reason to. */
export class ReadGate {
  readonly #stream: Duplex
  readonly #holds = new Set<Hold>()

  constructor(stream: Duplex) {
    this.#stream = stream
  }

  get isHeld(): boolean {
    return this.#holds.size > 0
  }

  has(hold: Hold): boolean {
    return this.#holds.has(hold)
  }

  hold(hold: Hold): void {
    this.#holds.add(hold)
    this.#stream.pause()
  }

  release(hold: Hold): void {
    if (this.#holds.delete(hold) && !this.isHeld) this.#stream.resume()
  }
}
