import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again and again until there is an answer. Throws when there is none in time. */
export async function eventually<Value>(
  ask: () => Promise<Value | undefined>,
  { timeoutMs = 15_000, intervalMs = 20 } = {},
): Promise<Value> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const value = await ask()
    if (value !== undefined) return value
    if (Date.now() > end) throw new Error(`nothing came within ${timeoutMs} ms`)
    await sleep(intervalMs)
  }
}
