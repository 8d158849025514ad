import type { Actor } from './caller.ts'

type Session = Pick<Actor, 'user_id' | 'key_id'>

/** Returns those of the given keys that still authenticate their user. */
export type FindSignedIn = (keyIds: readonly string[]) => Promise<ReadonlySet<string>>

interface Held extends Session {
  readonly end: () => void
}

const NOBODY: ReadonlySet<string> = new Set()

/**
 * WebSockets and event streams that stay open only while their caller is signed in. A wake-up names
 * a user whose sessions may have ended; this class then looks up which ones have.
 */
export class OpenSessions {
  readonly #held = new Map<string, Set<Held>>()
  readonly #findSignedIn: FindSignedIn
  #wakes = 0

  constructor(findSignedIn: FindSignedIn) {
    this.#findSignedIn = findSignedIn
  }

  /**
   * Read this before identifying a caller and pass it to {@link hold}, so that no session end is
   * missed in between.
   */
  get moment(): number {
    return this.#wakes
  }

  /** Calls `end` when the session ends, unless the returned function is called first. */
  hold({ user_id, key_id }: Session, { since, end }: { readonly since: number; readonly end: () => void }): () => void {
    const held: Held = { user_id, key_id, end }
    const ofUser = this.#held.get(user_id) ?? new Set()
    this.#held.set(user_id, ofUser.add(held))
    // A session ended after the caller was identified. It may be this one.
    if (since !== this.#wakes) void this.#look([held])
    return () => {
      ofUser.delete(held)
      if (ofUser.size === 0 && this.#held.get(user_id) === ofUser) this.#held.delete(user_id)
    }
  }

  /**
   * Ends everything that belongs to a user's ended sessions, or to anybody's when no user is given.
   */
  async wake(userId?: string): Promise<void> {
    this.#wakes += 1
    const users = userId === undefined ? [...this.#held.values()] : [this.#held.get(userId) ?? []]
    await this.#look(users.flatMap((ofUser) => [...ofUser]))
  }

  async #look(all: readonly Held[]): Promise<void> {
    if (all.length === 0) return
    const keyIds = [...new Set(all.map(({ key_id }) => key_id))]
    // When the lookup fails, everything ends; clients reconnect by themselves.
    const signedIn = await this.#findSignedIn(keyIds).catch(() => NOBODY)
    for (const { key_id, end } of all) if (!signedIn.has(key_id)) end()
  }
}
