import { readdirSync, readFileSync } from 'node:fs'

/** Sends a signal to a process, as `process.kill` does. */
export type Kill = (pid: number, signal: NodeJS.Signals | 0) => void

/** How long the processes of a session may take to end after a hang-up. */
const hangUpGraceMs = 5_000
/** How long killed processes may take to disappear. */
const killGraceMs = 500
const endedPollMs = 20

/**
 * The process sessions that the agent started, each identified by the pid of its leader.
 *
 * Everything the agent starts leads its own session, so that the agent can end it together with its
 * children. A session whose leader ended by itself is left alone: daemons that a finished command
 * started are meant to stay.
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

  /** Records that a leader ended by itself. */
  ended(leader: number): void {
    this.#running.delete(leader)
  }

  /** Sends a signal to the leader's process group, as a terminal does. */
  signal(leader: number, signal: NodeJS.Signals): void {
    this.#try(-leader, signal)
  }

  /** Hangs the session up and, after `graceMs`, kills its remaining processes. */
  end(leader: number, graceMs = hangUpGraceMs): void {
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

  /** Ends all sessions. Resolves once no process of them is left, or shortly after `graceMs`. */
  async endAll(graceMs: number): Promise<void> {
    const leaders = [...this.#running, ...this.#ending.keys()]
    for (const leader of leaders) {
      clearTimeout(this.#ending.get(leader))
      this.#ending.delete(leader)
      this.end(leader, graceMs)
    }
    const deadline = performance.now() + graceMs + killGraceMs
    while (performance.now() < deadline && leaders.some((leader) => this.#membersOf(leader).length > 0)) {
      await new Promise((resolve) => {
        setTimeout(resolve, endedPollMs)
      })
    }
    for (const timer of this.#ending.values()) clearTimeout(timer)
    this.#ending.clear()
  }

  #signalSession(leader: number, signal: NodeJS.Signals): void {
    this.#try(-leader, signal)
    for (const pid of this.#membersOf(leader)) this.#try(pid, signal)
  }

  /**
   * Returns all processes of a session. An interactive shell puts each job in its own process
   * group.
   */
  #membersOf(leader: number): number[] {
    try {
      return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && sessionOf(name) === leader ? [Number(name)] : []))
    } catch {
      // Without /proc only the process group is known.
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

/** Returns the session ID of a living process; undefined for zombies and processes that ended. */
function sessionOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the name in parentheses, which may contain anything. State, parent, group
    // and session follow.
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : Number(session)
  } catch {
    return undefined
  }
}
