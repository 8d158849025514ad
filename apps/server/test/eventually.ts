import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 20

/** Asks again and again until there is an answer, soon at first. Throws when there is none in time. */
export async function eventually<Value>(ask: () => Promise<Value | undefined>, { timeoutMs = 15_000 } = {}): Promise<Value> {
  const end = Date.now() + timeoutMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const value = await ask()
    if (value !== undefined) return value
    if (Date.now() > end) throw new Error(`nothing came within ${timeoutMs} ms`)
    await sleep(pauseMs)
  }
}
