import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { tryHoldAdvisoryLock, type AdvisoryLock } from './advisory-lock.ts'

const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 2_000

/** Takes a lock, and takes it again whenever its connection breaks, until it is released. */
export async function keepAdvisoryLock(options: {
  readonly connectionUrl: string
  readonly name: string
  readonly logger: Logger
}): Promise<{ release: () => Promise<void> }> {
  let lock: AdvisoryLock | undefined = await tryHoldAdvisoryLock(options)
  const releasing = new AbortController()
  const keep = async (): Promise<void> => {
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, MAX_RETRY_MS)) {
      await lock?.lost
      if (releasing.signal.aborted) return
      try {
        lock = await tryHoldAdvisoryLock(options)
      } catch (error) {
        options.logger.debug({ err: error, lock: options.name }, 'the lock could not be taken again')
        lock = undefined
      }
      if (lock === undefined) await sleep(delayMs, undefined, { ref: false })
      else delayMs = FIRST_RETRY_MS
    }
  }
  void keep()
  return {
    async release() {
      releasing.abort()
      await lock?.release()
    },
  }
}
