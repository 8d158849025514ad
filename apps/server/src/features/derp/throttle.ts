import type { ReadGate } from './read-gate.ts'

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
