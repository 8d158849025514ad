import { ApiError } from './api-error.ts'
import { ConnectionError } from './connection-error.ts'

/** Options of a stream that reconnects. */
export interface StreamOptions {
  /** Ends the stream: iterating throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Returns the milliseconds to wait before the next connection. `attempt` counts from 0, and
   * starts again when the stream works. Default: {@link backoffMs}.
   */
  readonly retryDelayMs?: ((attempt: number) => number) | undefined
}

const firstDelayMs = 250
const longestDelayMs = 10_000

/**
 * Returns a delay that doubles with each attempt up to a limit. It is randomly shortened by up to
 * half, so that clients that lost the same server don't all return at once.
 * @param random returns a number from 0 to 1.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return Math.min(firstDelayMs * 2 ** attempt, longestDelayMs) * (1 - random() / 2)
}

/** Whether retrying is pointless: the server refused, or the error is on this side. */
export function isFinal(error: unknown): boolean {
  if (ApiError.is(error)) return error.status < 500 && error.status !== 408 && error.status !== 429
  return !ConnectionError.is(error)
}

/** The delays between the connections of one stream. */
export class Backoff {
  readonly #options: StreamOptions
  #attempt = 0

  constructor(options: StreamOptions) {
    this.#options = options
  }

  /** Marks that the stream works, so that the next delay is the first again. */
  succeed(): void {
    this.#attempt = 0
  }

  /** Waits until the next connection is due. Rejects with the signal's reason if it is aborted. */
  async wait(): Promise<void> {
    const { retryDelayMs = backoffMs, signal } = this.#options
    const delayMs = retryDelayMs(this.#attempt)
    this.#attempt += 1
    await sleep(delayMs, signal)
  }
}

function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      if (signal?.aborted) reject(signal.reason as Error)
      else resolve()
    }
    const timer = setTimeout(finish, delayMs)
    signal?.addEventListener('abort', finish)
    if (signal?.aborted) finish()
  })
}
