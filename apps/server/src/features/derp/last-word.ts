import type { Duplex } from 'node:stream'
import type { ReadGate } from './read-gate.ts'

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
