import { TunnelRefusal, type TerminalTarget } from '@berth/tunnel'
import type { Duplex } from 'node:stream'
import type { ProcessSessions } from '../process-sessions.ts'
import { Terminal, type TerminalOptions } from '../terminal.ts'
import type { Timers } from '../timers.ts'
import type { Workspace } from '../workspace.ts'
import { SharedTerminal } from './shared-terminal.ts'

/**
 * How long a terminal without clients waits for one to reconnect, in milliseconds (Coder v2 API,
 * v0.13.4).
 */
export const unattachedMs = 5 * 60_000
export const maxTerminals = 100

/** The terminals that outlive their clients, by the ID that the client chose. */
export class TerminalSessions {
  readonly #workspace: Workspace
  readonly #sessions: ProcessSessions
  readonly #timers: Timers
  readonly #start: (options: TerminalOptions) => Promise<Terminal>
  readonly #open = new Map<string, { terminal: SharedTerminal; expiry: { cancel: () => void } | undefined }>()

  constructor(options: {
    workspace: Workspace
    sessions: ProcessSessions
    timers: Timers
    /** Starts a terminal; a test may replace it. */
    start?: (options: TerminalOptions) => Promise<Terminal>
  }) {
    this.#workspace = options.workspace
    this.#sessions = options.sessions
    this.#timers = options.timers
    this.#start = options.start ?? ((terminal) => Terminal.start(terminal))
  }

  /**
   * Attaches a client to the terminal with the target's ID, which starts if there is none. Throws
   * {@link TunnelRefusal}.
   */
  async attach({ id, height, width, command }: TerminalTarget, accept: () => Duplex): Promise<void> {
    const size = { columns: width, rows: height }
    let entry = this.#open.get(id)
    if (!entry) {
      if (this.#open.size >= maxTerminals) throw new TunnelRefusal(503, `${maxTerminals} terminals are open in this workspace. Close some.`)
      const terminal = new SharedTerminal({ size, timers: this.#timers, onUnattached: () => this.#expireLater(id) })
      entry = { terminal, expiry: undefined }
      this.#open.set(id, entry)
      try {
        const process = await this.#start({
          launch: this.#workspace.launch(command),
          type: 'xterm-256color',
          size,
          sessions: this.#sessions,
          onOutput: (bytes) => terminal.output(bytes),
          onEnd: () => {
            this.#forget(id, terminal)
            terminal.finish()
          },
        })
        terminal.started(process)
      } catch (error) {
        this.#forget(id, terminal)
        throw new TunnelRefusal(500, `The terminal could not be started: ${(error as Error).message}`)
      }
    }
    entry.expiry?.cancel()
    entry.expiry = undefined
    entry.terminal.attach(accept(), size)
  }

  endAll(): void {
    for (const { terminal, expiry } of this.#open.values()) {
      expiry?.cancel()
      terminal.end()
    }
    this.#open.clear()
  }

  #expireLater(id: string): void {
    const entry = this.#open.get(id)
    if (!entry) return
    entry.expiry?.cancel()
    entry.expiry = this.#timers.setTimeout(() => {
      if (entry.terminal.isAttached) return
      this.#forget(id, entry.terminal)
      entry.terminal.end()
    }, unattachedMs)
  }

  #forget(id: string, terminal: SharedTerminal): void {
    if (this.#open.get(id)?.terminal === terminal) this.#open.delete(id)
  }
}
