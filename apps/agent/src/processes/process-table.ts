import type { Duplex } from 'node:stream'
import type { StartProcessRequest, WorkspaceProcess } from '@berth/schema'
import { endedProcessKeptMs, maxProcesses } from '@berth/schema/rules'
import { CallFailure } from '../calls/call-failure.ts'
import type { ProcessSessions } from '../process-sessions.ts'
import type { Timers } from '../timers.ts'
import type { Workspace } from '../workspace.ts'
import { launchOf } from './command-launch.ts'
import { execCommand, type ExecResult } from './exec.ts'
import { KeptProcess } from './kept-process.ts'

type ExecOptions = Parameters<typeof execCommand>

/** The processes that clients started, and those that have ended not long ago. */
export class ProcessTable {
  readonly #workspace: Workspace
  readonly #sessions: ProcessSessions
  readonly #timers: Timers
  readonly #kept = new Map<string, { process: KeptProcess; expiry?: { cancel: () => void } }>()
  /** How many processes are being started, and how many commands run until their end. */
  #others = 0

  constructor(options: { workspace: Workspace; sessions: ProcessSessions; timers: Timers }) {
    this.#workspace = options.workspace
    this.#sessions = options.sessions
    this.#timers = options.timers
  }

  /** Runs a command to its end. Rejects with {@link CallFailure}. */
  async exec(request: ExecOptions[0], signal: AbortSignal): Promise<ExecResult> {
    return await this.#counted(async () => await execCommand(request, { workspace: this.#workspace, sessions: this.#sessions, signal }))
  }

  /** Starts a process that clients can attach to. Rejects with {@link CallFailure}. */
  async start(request: StartProcessRequest): Promise<KeptProcess> {
    const process = await this.#counted(
      async () =>
        await KeptProcess.start({
          request,
          launch: launchOf(request, this.#workspace),
          sessions: this.#sessions,
          timers: this.#timers,
          onEnded: () => this.#expireLater(process.id),
        }),
    )
    this.#kept.set(process.id, { process })
    if (process.hasEnded) this.#expireLater(process.id)
    return process
  }

  list(): WorkspaceProcess[] {
    return [...this.#kept.values()].map(({ process }) => process.describe())
  }

  /** Throws {@link CallFailure} `process_not_found`. */
  get(id: string): KeptProcess {
    const entry = this.#kept.get(id)
    if (entry === undefined) throw new CallFailure('process_not_found', `There is no process "${id}". It may have ended long ago.`)
    return entry.process
  }

  /** Attaches a client to a process. */
  attach(id: string, client: Duplex, seenBytes: number): void {
    this.get(id).attach(client, seenBytes)
  }

  /** Ends a process and forgets it. Throws {@link CallFailure} `process_not_found`. */
  remove(id: string): void {
    this.get(id).end()
    this.#forget(id)
  }

  async #counted<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#makeRoom()
    this.#others += 1
    try {
      return await work()
    } finally {
      this.#others -= 1
    }
  }

  /** Forgets the oldest ended process if there is no room. */
  #makeRoom(): void {
    if (this.#kept.size + this.#others < maxProcesses) return
    const ended = [...this.#kept].find(([, { process }]) => process.hasEnded)
    if (ended === undefined) throw new CallFailure('workspace_busy', `${maxProcesses} processes run in this workspace. End some of them.`)
    this.#forget(ended[0])
  }

  #expireLater(id: string): void {
    const entry = this.#kept.get(id)
    if (entry !== undefined) entry.expiry = this.#timers.setTimeout(() => this.#forget(id), endedProcessKeptMs)
  }

  #forget(id: string): void {
    this.#kept.get(id)?.expiry?.cancel()
    this.#kept.delete(id)
  }
}
