import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 250
/** A pause lasts so much of the wait until now: a long wait asks seldom and ends a little later. */
const SHARE = 0.1

/** Asks until there is an answer, with growing pauses. Throws when the time is up. */
export async function eventually<Value>(ask: () => Promise<Value | undefined>, { timeoutMs = 15_000 } = {}): Promise<Value> {
  const startedAt = Date.now()
  for (;;) {
    const value = await ask()
    if (value !== undefined) return value
    const waitedMs = Date.now() - startedAt
    if (waitedMs > timeoutMs) throw new Error(`nothing came within ${timeoutMs} ms`)
    await sleep(Math.min(Math.max(FIRST_PAUSE_MS, waitedMs * SHARE), LONGEST_PAUSE_MS))
  }
}
