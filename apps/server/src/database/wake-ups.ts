import type { PubSub } from './pubsub.ts'

/**
 * Wakes those who wait for one key of a channel, for example one workspace. One subscription serves
 * all keys.
 */
export class WakeUps {
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #unsubscribe: () => void

  constructor(pubsub: PubSub, channel: string) {
    this.#unsubscribe = pubsub.subscribe(channel, (message) => {
      // Messages may have been missed, so everybody looks.
      if (message.kind === 'resync') for (const key of this.#listeners.keys()) this.#wake(key)
      else this.#wake(message.payload)
    })
  }

  /** Calls `listener` for every message with the key. Returns a function that ends this. */
  on(key: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, listeners)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key)
    }
  }

  close(): void {
    this.#unsubscribe()
    this.#listeners.clear()
  }

  #wake(key: string): void {
    for (const listener of this.#listeners.get(key) ?? []) listener()
  }
}

/** A bell. Rings that nobody waits for count as one. */
export class Bell {
  #hasRung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#hasRung = true
    this.#wake?.()
  }

  /**
   * Settles at the next ring, or at once when a ring went unheard, or when the timeout passes or
   * the signal aborts.
   */
  async next({ timeoutMs, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    if (!this.#hasRung && signal?.aborted !== true) {
      let timer: NodeJS.Timeout | undefined
      const rung = new Promise<void>((resolve) => {
        this.#wake = resolve
        if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs)
        signal?.addEventListener('abort', this.#wake)
      })
      await rung
      clearTimeout(timer)
      if (this.#wake !== undefined) signal?.removeEventListener('abort', this.#wake)
      this.#wake = undefined
    }
    this.#hasRung = false
  }
}
