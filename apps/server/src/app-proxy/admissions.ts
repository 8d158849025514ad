import type { Clock } from '../clock.ts'
import type { AppTarget } from '../features/apps/service.ts'
import type { Actor } from '../http/caller.ts'

/** Who visits, and the app that they name. */
export interface Admission {
  /** Undefined: nobody who is signed in. */
  readonly actor: Actor | undefined
  readonly target: AppTarget
}

/**
 * How long a visitor and an app stay known without a look at the database. Bounds how long a change
 * of roles takes; sign-outs, builds and shares are told of.
 */
const KNOWN_MS = 1_000
const MAX_KNOWN = 10_000

/**
 * Visitors and apps that were looked up a moment ago. A page asks for many things at once, each of
 * which would look them up again.
 */
export class Admissions {
  readonly #clock: Clock
  #known = new Map<string, Admission>()
  #since = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns what is known by a key, and how to remember what isn't. */
  at(key: string): { readonly known: Admission | undefined; readonly remember: (admission: Admission) => void } {
    const age = this.#clock.now().getTime() - this.#since
    if (age < 0 || age >= KNOWN_MS || this.#known.size >= MAX_KNOWN) this.forget()
    const current = this.#known
    // What was looked up before a change is remembered nowhere: the map has been replaced.
    return { known: current.get(key), remember: (admission) => void current.set(key, admission) }
  }

  /** Forgets everything, because something has changed. */
  forget(): void {
    this.#known = new Map()
    this.#since = this.#clock.now().getTime()
  }
}
