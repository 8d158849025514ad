import { Canceled } from './failures.ts'
import type { World } from './world.ts'

/** Ctrl-C and the wish to end: the first aborts a signal that everything that waits listens to, unless a command has a better idea. */
export class Interrupts {
  readonly #controller = new AbortController()
  readonly #stops: (() => void)[]
  #listener: (() => void) | undefined
  /** Rejects with `Canceled` when {@link signal} is aborted; otherwise never settles. */
  readonly aborted: Promise<never>

  constructor(onSignal: World['onSignal']) {
    const heard = (): void => {
      if (this.#listener) this.#listener()
      else this.#controller.abort(new Canceled())
    }
    this.aborted = new Promise((_, reject) => {
      this.#controller.signal.addEventListener('abort', () => reject(new Canceled()), { once: true })
    })
    // Whoever races it hears of it; nobody has to.
    this.aborted.catch(() => undefined)
    this.#stops = [onSignal('SIGINT', heard), onSignal('SIGTERM', heard)]
  }

  /** Aborted with `Canceled`. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Sends interrupts to `listener` while `task` runs. */
  async intercept<Value>(listener: () => void, task: () => Promise<Value>): Promise<Value> {
    const before = this.#listener
    this.#listener = listener
    try {
      return await task()
    } finally {
      this.#listener = before
    }
  }

  /** Gives the signals back to their default action. */
  close(): void {
    for (const stop of this.#stops) stop()
  }
}
