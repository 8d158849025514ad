import type { Clock } from '../src/clock.ts'

/** A clock that tests move: it runs with the real one, shifted by what was added. */
export class FakeClock implements Clock {
  #shiftMs = 0

  now(): Date {
    return new Date(Date.now() + this.#shiftMs)
  }

  advance(ms: number): void {
    this.#shiftMs += ms
  }
}
