import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './world.ts'

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal && { signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms).unref()
    return () => clearInterval(timer)
  },
  monotonicMs: () => performance.now(),
  get timeZone() {
    return new Intl.DateTimeFormat().resolvedOptions().timeZone
  },
}
