import { setTimeout as delay } from 'node:timers/promises'

interface Patience {
  readonly timeoutMs: number
  readonly intervalMs?: number
}

/** Asks again and again until the answer is not undefined. Fails with what it waited for, and with the last failure of asking. */
export async function waitUntil<Answer>(
  fact: string,
  ask: () => Promise<Answer | undefined>,
  { timeoutMs, intervalMs = 50 }: Patience,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  while (performance.now() < deadline) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      cause = error
    }
    await delay(intervalMs)
  }
  throw new Error(`waited ${timeoutMs} ms in vain until ${fact}`, { cause })
}
