import type { Actor } from './caller.ts'

type Session = Pick<Actor, 'user_id' | 'key_id'>

/** Which of the given keys somebody is signed in with. */
export type FindSignedIn = (keyIds: readonly string[]) => Promise<ReadonlySet<string>>

interface Held extends Session {
  readonly end: () => void
}

const NOBODY: ReadonlySet<string> = new Set()

/**
 * What stays open for as long as its caller is signed in: WebSockets and event streams. A wake-up says whose sessions may have ended; which have is
 * looked up.
 */
export class OpenSessions {
  readonly #held = new Map<string, Set<Held>>()
  readonly #findSignedIn: FindSignedIn
  #wakes = 0

  constructor(findSignedIn: FindSignedIn) {
    this.#findSignedIn = findSignedIn
  }

  /** To be taken before a caller is identified: no end of the session from then on is missed. */
  get moment(): number {
    return this.#wakes
  }

  /** Calls `end` once the session has ended, unless what is returned was called before. */
  hold({ user_id, key_id }: Session, { since, end }: { readonly since: number; readonly end: () => void }): () => void {
    const held: Held = { user_id, key_id, end }
    const ofUser = this.#held.get(user_id) ?? new Set()
    this.#held.set(user_id, ofUser.add(held))
    // Somebody's session ended between the look at this one and now: it may be this one's.
    if (since !== this.#wakes) void this.#look([held])
    return () => {
      ofUser.delete(held)
      if (ofUser.size === 0 && this.#held.get(user_id) === ofUser) this.#held.delete(user_id)
    }
  }

  /** Ends what belongs to sessions of a user that have ended; without a user, to those of anybody. */
  async wake(userId?: string): Promise<void> {
    this.#wakes += 1
    const users = userId === undefined ? [...this.#held.values()] : [this.#held.get(userId) ?? []]
    await this.#look(users.flatMap((ofUser) => [...ofUser]))
  }

  async #look(all: readonly Held[]): Promise<void> {
    if (all.length === 0) return
    const keyIds = [...new Set(all.map(({ key_id }) => key_id))]
    // Of whom nobody can say that they are signed in is sent away; their programs come back by themselves.
    const signedIn = await this.#findSignedIn(keyIds).catch(() => NOBODY)
    for (const { key_id, end } of all) if (!signedIn.has(key_id)) end()
  }
}
