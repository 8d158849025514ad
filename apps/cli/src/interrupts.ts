import { Canceled } from './failures.ts'
import type { World } from './world.ts'

/** Handles SIGINT and SIGTERM: they abort {@link signal}, unless a command intercepts them. */
export class Interrupts {
  readonly #controller = new AbortController()
  readonly #stops: (() => void)[]
  #listener: (() => void) | undefined
  /** Rejects with `Canceled` once {@link signal} is aborted. Otherwise never settles. */
  readonly aborted: Promise<never>

  constructor(onSignal: World['onSignal']) {
    const heard = (): void => {
      if (this.#listener) this.#listener()
      else this.#controller.abort(new Canceled())
    }
    this.aborted = new Promise((_, reject) => {
      this.#controller.signal.addEventListener('abort', () => reject(new Canceled()), { once: true })
    })
    // Without a listener, the rejection would end the process.
    this.aborted.catch(() => undefined)
    this.#stops = [onSignal('SIGINT', heard), onSignal('SIGTERM', heard)]
  }

  /** Aborted with `Canceled` by the first interrupt that nobody intercepts. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Calls `listener` for each interrupt while `task` runs. */
  async intercept<Value>(listener: () => void, task: () => Promise<Value>): Promise<Value> {
    const before = this.#listener
    this.#listener = listener
    try {
      return await task()
    } finally {
      this.#listener = before
    }
  }

  /** Restores the default action of the signals. */
  close(): void {
    for (const stop of this.#stops) stop()
  }
}
