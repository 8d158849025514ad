import { readFileSync } from 'node:fs'

/**
 * Returns how long the event loop was held at most while work ran, in milliseconds of processor
 * time. On Linux, what other processes do on a busy machine doesn't count.
 */
export async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let isOver = false
  let longest = 0
  let last = spentMs()
  const watched = new Promise<void>((resolve) => {
    const tick = (): void => {
      const now = spentMs()
      longest = Math.max(longest, now - last)
      last = now
      if (isOver) resolve()
      else setImmediate(tick)
    }
    setImmediate(tick)
  })
  try {
    await work()
  } finally {
    isOver = true
    await watched
  }
  return longest
}

/** Returns the processor time of the main thread, or the time of day where that is unknown. */
function spentMs(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ', 1)[0]) / 1e6
  } catch {
    return performance.now()
  }
}
