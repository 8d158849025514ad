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

/**
 * Delays what a client sends above a rate. Each pause lasts only as long as the excess takes, since
 * connections inside the relayed packets take a longer silence for a loss.
 */
export class Throttle {
  readonly #gate: ReadGate
  readonly #bytesPerSecond: number
  /** What the client may send at once. Negative after it sent more. */
  #bytesLeft: number
  #countedAt = performance.now()
  #timer: NodeJS.Timeout | undefined

  /** @param bytesPerSecond is also how much may come at once after a second of silence. */
  constructor(gate: ReadGate, bytesPerSecond: number) {
    this.#gate = gate
    this.#bytesPerSecond = bytesPerSecond
    this.#bytesLeft = bytesPerSecond
  }

  count(bytes: number): void {
    this.#refill()
    this.#bytesLeft -= bytes
    if (this.#bytesLeft < 0) this.#wait()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #wait(): void {
    this.#gate.hold('rate')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        this.#refill()
        if (this.#bytesLeft < 0) this.#wait()
        else this.#gate.release('rate')
      },
      Math.ceil((-this.#bytesLeft / this.#bytesPerSecond) * 1_000),
    )
  }

  #refill(): void {
    const now = performance.now()
    const earned = ((now - this.#countedAt) / 1_000) * this.#bytesPerSecond
    this.#countedAt = now
    this.#bytesLeft = Math.min(this.#bytesPerSecond, this.#bytesLeft + earned)
  }
}

/** Limits on a connection that a newer one of the same client has replaced. */
export interface LastWordLimits {
  /** How long the replaced connection may be silent before the newer one is read. */
  readonly replacedQuietMs: number
  /** How long the replaced connection may stay open. */
  readonly replacedTimeoutMs: number
}

interface Options {
  readonly limits: LastWordLimits
  /** Called once, when the client has nothing more to say over its replaced connection. */
  readonly done: () => void
}

/** Waits for the end of what a client sends over a connection that a newer one has replaced. */
export class LastWord {
  readonly #quiet: NodeJS.Timeout
  readonly #timeout: NodeJS.Timeout
  #done: (() => void) | undefined

  constructor(stream: Duplex, gate: ReadGate, { limits, done }: Options) {
    this.#done = done
    // A stream that the relay itself has paused isn't silent.
    this.#quiet = setTimeout(() => (gate.isHeld ? this.heard() : this.said()), limits.replacedQuietMs)
    this.#timeout = setTimeout(() => stream.destroy(), limits.replacedTimeoutMs)
    stream.once('close', () => clearTimeout(this.#timeout))
  }

  /** Takes note that the client still sends. */
  heard(): void {
    if (this.#done !== undefined) this.#quiet.refresh()
  }

  said(): void {
    clearTimeout(this.#quiet)
    this.#done?.()
    this.#done = undefined
  }
}
