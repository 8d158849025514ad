import type { Failure } from '@berth/schema'
import type { CloseReason } from '@berth/tunnel'

/** How a connection ends whose caller has lost access. */
export interface Ending {
  /** Closes WebSockets. */
  readonly closeReason: CloseReason
  /** Answers requests that still wait for theirs. */
  readonly failure: Failure
}

/** Whoever holds connections open. */
export interface Holder {
  readonly id: string
  /** What a wake-up may name: for example the holder's user. */
  readonly groups: readonly string[]
}

/** Finds out who has lost access. */
export interface Lookup {
  /** Returns those of the given holders that have lost access, and how their connections end. */
  readonly findEnded: (ids: readonly string[]) => Promise<ReadonlyMap<string, Ending>>
  /**
   * How everything in question ends when the lookup fails. Default: nothing ends before the next
   * wake-up.
   */
  readonly failedLookup?: Ending
}

interface Held extends Holder {
  readonly end: (ending: Ending) => void
}

/**
 * WebSockets, event streams and waiting requests that stay open only while their caller has access.
 * A wake-up names a group whose members may have lost it; this class then looks up which ones have.
 * Wake-ups that come during a lookup share the next one.
 */
export class OpenConnections {
  readonly #lookup: Lookup
  readonly #groups = new Map<string, Set<Held>>()
  readonly #suspects = new Set<Held>()
  #wakes = 0
  /** The lookup that still takes suspects. */
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(lookup: Lookup) {
    this.#lookup = lookup
  }

  /**
   * Read this before identifying a caller and pass it to {@link hold}, so that no loss of access is
   * missed in between.
   */
  get moment(): number {
    return this.#wakes
  }

  /** Calls `end` when the holder loses access, unless the returned function is called first. */
  hold({ id, groups }: Holder, { since, end }: { readonly since: number; readonly end: (ending: Ending) => void }): () => void {
    const held: Held = { id, groups, end }
    for (const group of groups) this.#groups.set(group, (this.#groups.get(group) ?? new Set()).add(held))
    // Somebody lost access after the caller was identified. It may be this one.
    if (since !== this.#wakes) void this.#look([held])
    return () => this.#release(held)
  }

  /** Ends what members of a group hold who have lost access, or anybody when no group is given. */
  async wake(group?: string): Promise<void> {
    this.#wakes += 1
    const groups = group === undefined ? [...this.#groups.values()] : [this.#groups.get(group) ?? []]
    await this.#look(groups.flatMap((members) => [...members]))
  }

  #release(held: Held): void {
    this.#suspects.delete(held)
    for (const group of held.groups) {
      const members = this.#groups.get(group)
      members?.delete(held)
      if (members?.size === 0) this.#groups.delete(group)
    }
  }

  async #look(suspects: readonly Held[]): Promise<void> {
    if (suspects.length === 0) return
    for (const suspect of suspects) this.#suspects.add(suspect)
    this.#next ??= this.#lookAfter(this.#last)
    this.#last = this.#next
    await this.#next
  }

  async #lookAfter(earlier: Promise<void>): Promise<void> {
    await earlier
    this.#next = undefined
    const suspects = [...this.#suspects]
    this.#suspects.clear()
    if (suspects.length === 0) return
    const { findEnded, failedLookup } = this.#lookup
    const ended = await findEnded([...new Set(suspects.map(({ id }) => id))]).catch(() => undefined)
    for (const { id, end } of suspects) {
      const ending = ended === undefined ? failedLookup : ended.get(id)
      if (ending !== undefined) end(ending)
    }
  }
}
