import { readdirSync, readFileSync } from 'node:fs'

/** How a signal reaches a process; the real thing is `process.kill`. */
export type Kill = (pid: number, signal: NodeJS.Signals | 0) => void

/**
 * The process sessions the agent has started, each named by the pid of its leader.
 *
 * Everything the agent starts leads a session of its own, so that all that came of it can be ended together. What ended by itself is left alone: a
 * daemon that a finished command left behind is meant to stay.
 */
export class ProcessSessions {
  readonly #kill: Kill
  readonly #running = new Set<number>()
  readonly #ending = new Map<number, NodeJS.Timeout>()

  constructor(kill: Kill) {
    this.#kill = kill
  }

  add(leader: number): void {
    this.#running.add(leader)
  }

  /** The leader ended by itself. */
  ended(leader: number): void {
    this.#running.delete(leader)
  }

  /** Sends a signal to the leader's process group, as a terminal would. */
  signal(leader: number, signal: NodeJS.Signals): void {
    this.#try(-leader, signal)
  }

  /** Hangs the session up, and kills what is left of it after `graceMs`. */
  end(leader: number, graceMs = 5_000): void {
    if (this.#ending.has(leader)) return
    this.#running.delete(leader)
    this.#signalSession(leader, 'SIGHUP')
    this.#signalSession(leader, 'SIGCONT')
    const timer = setTimeout(() => {
      this.#ending.delete(leader)
      this.#signalSession(leader, 'SIGKILL')
    }, graceMs)
    this.#ending.set(leader, timer)
  }

  /** Ends all sessions and resolves when nothing of them is left, at the latest a moment after `graceMs`. */
  async endAll(graceMs: number): Promise<void> {
    const leaders = [...this.#running, ...this.#ending.keys()]
    for (const leader of leaders) {
      clearTimeout(this.#ending.get(leader))
      this.#ending.delete(leader)
      this.end(leader, graceMs)
    }
    const deadline = performance.now() + graceMs + 500
    while (performance.now() < deadline && leaders.some((leader) => this.#membersOf(leader).length > 0)) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
    }
    for (const timer of this.#ending.values()) clearTimeout(timer)
    this.#ending.clear()
  }

  #signalSession(leader: number, signal: NodeJS.Signals): void {
    this.#try(-leader, signal)
    for (const pid of this.#membersOf(leader)) this.#try(pid, signal)
  }

  /** An interactive shell puts each job in a process group of its own, so the group of the leader is not all there is. */
  #membersOf(leader: number): number[] {
    try {
      return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && sessionOf(name) === leader ? [Number(name)] : []))
    } catch {
      // No /proc on this system: the process group has to do.
      return this.#try(-leader, 0) ? [leader] : []
    }
  }

  #try(pid: number, signal: NodeJS.Signals | 0): boolean {
    try {
      this.#kill(pid, signal)
      return true
    } catch {
      return false
    }
  }
}

/** The session id of a living process, from /proc; undefined for zombies and for processes that are gone. */
function sessionOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the name in parentheses and may contain anything; state, parent, group and session follow.
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : Number(session)
  } catch {
    return undefined
  }
}
