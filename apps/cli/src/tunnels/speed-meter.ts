import type { Clock } from '../world.ts'

/** Bytes that passed in a part of a speed test. */
export interface SpeedInterval {
  /** Since the start of the test, in milliseconds. */
  readonly fromMs: number
  readonly toMs: number
  readonly bytes: number
}

const intervalMs = 1000
/** A rest shorter than this belongs to the interval before it, since it would say little. */
const shortestMs = intervalMs / 2

/** Adds up bytes for each second. */
export class SpeedMeter {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #startedAt: number
  readonly #perInterval: number[] = [0]
  #endedMs = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
    this.#startedAt = clock.monotonicMs()
  }

  /** Counts bytes that have just passed. The last call ends the measurement. */
  add(bytes: number): void {
    this.#endedMs = this.#clock.monotonicMs() - this.#startedAt
    const index = Math.floor(this.#endedMs / intervalMs)
    while (this.#perInterval.length <= index) this.#perInterval.push(0)
    this.#perInterval[index] = (this.#perInterval[index] ?? 0) + bytes
  }

  result(): { readonly intervals: readonly SpeedInterval[]; readonly total: SpeedInterval } {
    const intervals = this.#perInterval.map((bytes, index): SpeedInterval => ({
      fromMs: index * intervalMs,
      toMs: Math.min((index + 1) * intervalMs, this.#endedMs),
      bytes,
    }))
    const [before, rest] = intervals.slice(-2)
    if (before && rest && rest.toMs - rest.fromMs < shortestMs) {
      intervals.splice(-2, 2, { fromMs: before.fromMs, toMs: rest.toMs, bytes: before.bytes + rest.bytes })
    }
    return { intervals, total: { fromMs: 0, toMs: this.#endedMs, bytes: intervals.reduce((sum, { bytes }) => sum + bytes, 0) } }
  }
}
