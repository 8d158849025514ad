import { setTimeout as delay } from 'node:timers/promises'

interface Patience {
  readonly timeoutMs: number
  readonly intervalMs?: number
}

/**
 * Calls `ask` until its answer is not undefined. On a timeout, throws an error with `fact` and the
 * last error of `ask`.
 */
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
  throw new Error(`waited ${timeoutMs} ms without success until ${fact}`, { cause })
}
