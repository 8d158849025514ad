import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { processChannels } from '@berth/schema/rules'
import { CallFailure } from '../calls/call-failure.ts'
import type { ProcessSessions } from '../process-sessions.ts'
import type { ProcessEnd } from '../terminal.ts'
import type { Launch } from '../workspace.ts'

/** What a program has written, and where to. */
export type OutputListener = (channel: number, bytes: Buffer) => void

export interface ChildOptions {
  launch: Launch
  sessions: ProcessSessions
  onOutput: OutputListener
  /** Called once, after the last output. */
  onEnd: (end: ProcessEnd) => void
}

/**
 * How long the output of an ended process must be silent to count as complete, if something that it
 * started still holds it open.
 */
const quietMs = 250

/** A process with a pipe for each of stdin, stdout and stderr. */
export class PipedChild {
  readonly pid: number
  readonly #child: ChildProcessWithoutNullStreams
  readonly #sessions: ProcessSessions
  readonly #onEnd: (end: ProcessEnd) => void
  #end: ProcessEnd | undefined
  #hasEnded = false
  #isPaused = false
  #lastOutputAt = 0
  #quietPoll: NodeJS.Timeout | undefined

  private constructor(child: ChildProcessWithoutNullStreams, pid: number, { sessions, onOutput, onEnd }: ChildOptions) {
    this.pid = pid
    this.#child = child
    this.#sessions = sessions
    this.#onEnd = onEnd
    sessions.add(pid)
    const listen = (channel: number) => (bytes: Buffer) => {
      this.#lastOutputAt = performance.now()
      onOutput(channel, bytes)
    }
    child.stdout.on('data', listen(processChannels.stdout))
    child.stderr.on('data', listen(processChannels.stderr))
    // A process that has stopped reading drops what is still sent to it, as a closed pipe does.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined)
    child.once('exit', (code, signal) => {
      this.#end = { code: code ?? -1, signal: signal ?? undefined }
      sessions.ended(pid)
      this.#lastOutputAt = performance.now()
      this.#quietPoll = setInterval(() => this.#finishWhenQuiet(), quietMs)
    })
    child.once('close', () => this.#finish())
  }

  /** Starts a process. Rejects with {@link CallFailure} `invalid_command`. */
  static async start(options: ChildOptions): Promise<PipedChild> {
    const { file, args, cwd, environment } = options.launch
    const child = spawnOf(file, args, { cwd, env: environment })
    return await new Promise((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => reject(notStarted(file, error)))
      // The listeners must be there before the first output.
      if (child.pid !== undefined) resolve(new PipedChild(child, child.pid, options))
    })
  }

  /** Writes input. Calls `done` once the process has room for more, or no longer reads. */
  write(bytes: Buffer, done: () => void): void {
    if (this.#child.stdin.destroyed || this.#child.stdin.writableEnded) done()
    else this.#child.stdin.write(bytes, () => done())
  }

  endInput(): void {
    this.#child.stdin.end()
  }

  /** Stops reading output, which blocks a process that writes a lot. */
  pause(): void {
    this.#isPaused = true
    this.#child.stdout.pause()
    this.#child.stderr.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#lastOutputAt = performance.now()
    this.#child.stdout.resume()
    this.#child.stderr.resume()
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#end === undefined) this.#sessions.signal(this.pid, signal)
  }

  /** Hangs up, and kills what is left after `graceMs`. */
  end(graceMs?: number): void {
    if (this.#end === undefined) this.#sessions.end(this.pid, graceMs)
  }

  #finishWhenQuiet(): void {
    if (!this.#isPaused && performance.now() - this.#lastOutputAt >= quietMs) this.#finish()
  }

  #finish(): void {
    if (this.#hasEnded || this.#end === undefined) return
    this.#hasEnded = true
    clearInterval(this.#quietPoll)
    this.#child.stdout.destroy()
    this.#child.stderr.destroy()
    this.#child.stdin.destroy()
    this.#onEnd(this.#end)
  }
}

function spawnOf(file: string, args: string[], options: { cwd: string; env: Record<string, string> }): ChildProcessWithoutNullStreams {
  try {
    return spawn(file, args, { ...options, stdio: 'pipe', detached: true })
  } catch (error) {
    throw notStarted(file, error as NodeJS.ErrnoException)
  }
}

function notStarted(file: string, { code, message }: NodeJS.ErrnoException): CallFailure {
  if (code === 'ENOENT') return new CallFailure('invalid_command', `There is no program "${file}" in the workspace.`)
  if (code === 'EACCES') return new CallFailure('invalid_command', `The program "${file}" may not be run.`)
  if (code === 'EAGAIN') return new CallFailure('workspace_busy', 'The workspace has as many processes as it may have.')
  if (code === 'E2BIG') return new CallFailure('invalid_command', 'The command and its variables are too long.')
  return new CallFailure('invalid_command', `The program "${file}" could not be started: ${message}`)
}
