import type { JobLog } from './job.ts'

/** How long log lines are collected before they are sent (Coder v2 API, v0.13.4). */
export const defaultLogFlushIntervalMs = 50
/** The limits of one batch. A writer that exceeds them waits until the batch is sent. */
const maxBufferedCharacters = 256 * 1024
const maxBufferedLogs = 2_000
/** Longer lines are truncated. The server stores even less of them. */
const maxOutputCharacters = 16 * 1024

/**
 * Collects the log lines of a job and sends them in order, one batch at a time. A writer that is
 * faster than the server has to wait.
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

  /**
   * Adds a line. Resolves when there is room for the next one. Never rejects: the sender reports
   * its own failures.
   */
  async add(log: JobLog): Promise<void> {
    if (this.#isClosed) return
    // The database can't store NUL characters.
    const output = log.output.slice(0, maxOutputCharacters).replaceAll('\0', '')
    this.#logs.push({ ...log, output })
    this.#characters += output.length
    this.#timer ??= setTimeout(() => void this.flush(), this.#flushIntervalMs)
    while (!this.#isClosed && (this.#characters > maxBufferedCharacters || this.#logs.length > maxBufferedLogs)) await this.flush()
  }

  /** Sends the lines added so far. Resolves when they are sent or sending failed. */
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

  /** Drops the lines not sent yet, and all later ones. */
  close(): void {
    this.#isClosed = true
    this.#logs = []
    this.#characters = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
