import type { JobLog } from './job.ts'

/** What is kept in memory before those who write must wait, and what is sent at once. */
const maxBufferedCharacters = 256 * 1024
const maxBufferedLogs = 2_000
/** A longer line is cut here; the server stores far less of it. */
const maxOutputCharacters = 16 * 1024

/**
 * Collects the lines of a job's log and sends them in order, in batches, one batch at a time. Whoever writes faster than the server takes
 * waits.
 */
export class LogBuffer {
  readonly #send: (logs: readonly JobLog[]) => Promise<void>
  readonly #flushIntervalMs: number
  #logs: JobLog[] = []
  #characters = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #isClosed = false

  constructor(options: { readonly send: (logs: readonly JobLog[]) => Promise<void>; readonly flushIntervalMs: number }) {
    this.#send = options.send
    this.#flushIntervalMs = options.flushIntervalMs
  }

  /** Adds a line; settles when there is room for the next one. Never rejects: a failure of the sender is the sender's to report. */
  async add(log: JobLog): Promise<void> {
    if (this.#isClosed) return
    // Text with a NUL character can't be stored.
    const output = log.output.slice(0, maxOutputCharacters).replaceAll('\0', '')
    this.#logs.push({ ...log, output })
    this.#characters += output.length
    this.#timer ??= setTimeout(() => void this.flush(), this.#flushIntervalMs)
    while (!this.#isClosed && (this.#characters > maxBufferedCharacters || this.#logs.length > maxBufferedLogs)) await this.flush()
  }

  /** Sends what was added so far; settles when all of it was sent or sending failed. */
  async flush(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#logs.length === 0 || this.#isClosed) return
    const logs = this.#logs
    this.#logs = []
    this.#characters = 0
    this.#sending = this.#send(logs).catch(() => this.close())
    await this.#sending
    this.#sending = undefined
  }

  /** Drops what was not sent and takes nothing more. */
  close(): void {
    this.#isClosed = true
    this.#logs = []
    this.#characters = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
