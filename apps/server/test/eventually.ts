import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 20

/** Asks until there is an answer, with growing pauses. Throws when the time is up. */
export async function eventually<Value>(ask: () => Promise<Value | undefined>, { timeoutMs = 15_000 } = {}): Promise<Value> {
  const end = Date.now() + timeoutMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const value = await ask()
    if (value !== undefined) return value
    if (Date.now() > end) throw new Error(`nothing came within ${timeoutMs} ms`)
    await sleep(pauseMs)
  }
}
