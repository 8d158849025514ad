import { readSync, write } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import type { IPty } from '@lydell/node-pty'
import type { ProcessSessions } from './process-sessions.ts'
import type { Launch } from './workspace.ts'

/** How a process ended: with an exit code, or by a signal such as `SIGTERM`. */
export interface ProcessEnd {
  code: number
  signal: string | undefined
}

export interface TerminalSize {
  columns: number
  rows: number
}

export interface TerminalOptions {
  launch: Launch
  /** The process's TERM. */
  type: string
  size: TerminalSize
  sessions: ProcessSessions
  onOutput: (bytes: Buffer) => void
  /** Called once, after the last output. */
  onEnd: (end: ProcessEnd) => void
}

/**
 * What node-pty's object has beyond its types: the terminal's descriptor and the stream that reads
 * it.
 */
type Pty = IPty & { readonly fd: number; readonly _socket: Readable }

/** How long to wait before writing again to a terminal that is full. */
const retryMs = 5
/** How often to check whether a paused process has ended. */
const exitPollMs = 50

/** A process on a pseudo-terminal. */
export class Terminal {
  readonly pid: number
  readonly #pty: Pty
  readonly #sessions: ProcessSessions
  readonly #pendingInput: { bytes: Buffer; done: () => void }[] = []
  #writing = false
  #ended = false
  #exitPoll: NodeJS.Timeout | undefined

  private constructor(pty: Pty, options: TerminalOptions) {
    this.#pty = pty
    this.pid = pty.pid
    this.#sessions = options.sessions
    options.sessions.add(pty.pid)
    // Without an encoding node-pty passes bytes, whatever its types say.
    pty.onData((data) => options.onOutput(data as unknown as Buffer))
    // libuv reports the end at the hang-up, while the kernel may still hold output. Here the
    // descriptor is open for the last time.
    pty._socket.once('end', () => readRest(pty.fd, options.onOutput))
    pty.onExit(({ exitCode, signal }) => {
      this.#ended = true
      clearInterval(this.#exitPoll)
      options.sessions.ended(this.pid)
      for (const { done } of this.#pendingInput.splice(0)) done()
      options.onEnd({ code: exitCode, signal: signal ? signalName(signal) : undefined })
    })
  }

  /**
   * Starts the process, and loads node-pty with the first one. Rejects when no terminal is
   * available.
   */
  static async start(options: TerminalOptions): Promise<Terminal> {
    const { spawn } = await import('@lydell/node-pty')
    const pty = spawn(options.launch.file, options.launch.args, {
      name: options.type,
      cols: options.size.columns,
      rows: options.size.rows,
      cwd: options.launch.cwd,
      env: options.launch.environment,
      encoding: null,
    })
    return new Terminal(pty as Pty, options)
  }

  /** Writes input. Calls `done` once the terminal has taken it or has ended. */
  write(bytes: Buffer, done: () => void): void {
    if (this.#ended) {
      done()
      return
    }
    this.#pendingInput.push({ bytes, done })
    if (!this.#writing) this.#writeNext()
  }

  resize({ columns, rows }: TerminalSize): void {
    if (this.#ended || columns < 1 || rows < 1) return
    try {
      this.#pty.resize(Math.min(columns, 65_535), Math.min(rows, 65_535))
    } catch {
      // The process is ending.
    }
  }

  /** Stops reading output, which blocks a process that writes a lot. */
  pause(): void {
    // node-pty drops output that isn't read within 200 ms of the process's end, so keep reading: a
    // terminal holds little.
    if (this.#ended || this.#exitPoll || !isRunning(this.pid)) return
    this.#pty.pause()
    this.#exitPoll = setInterval(() => {
      if (!isRunning(this.pid)) this.resume()
    }, exitPollMs)
  }

  resume(): void {
    clearInterval(this.#exitPoll)
    this.#exitPoll = undefined
    if (!this.#ended) this.#pty.resume()
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#sessions.signal(this.pid, signal)
  }

  /** Hangs up, as when a terminal window closes. */
  end(): void {
    if (this.#ended) return
    this.#sessions.end(this.pid)
    this.resume()
  }

  /**
   * Writes the next pending input. node-pty's own write blocks the whole agent while the process
   * doesn't read. The descriptor is non-blocking, so write to it directly and retry while it is
   * full.
   */
  #writeNext(): void {
    const next = this.#pendingInput[0]
    this.#writing = next !== undefined && !this.#ended
    if (!next || this.#ended) return
    write(this.#pty.fd, next.bytes, 0, next.bytes.length, null, (error, written) => {
      if (this.#ended) return
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeNext(), retryMs)
        return
      }
      if (!error && written < next.bytes.length) {
        next.bytes = next.bytes.subarray(written)
      } else {
        this.#pendingInput.shift()
        next.done()
      }
      this.#writeNext()
    })
  }
}

/** Returns the name of a signal, such as `SIGTERM` for 15; undefined for an unknown number. */
export function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

/** Reads the output that is still there. A terminal without writers reports an error after it. */
function readRest(descriptor: number, onOutput: (bytes: Buffer) => void): void {
  try {
    for (;;) {
      const bytes = Buffer.alloc(64 * 1024)
      const length = readSync(descriptor, bytes)
      if (length === 0) return
      onOutput(bytes.subarray(0, length))
    }
  } catch {
    // EIO is the end; EAGAIN means that another process still has the terminal open.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
