import { ProvisionError, type DriverRequest, type LogLevel } from '../driver.ts'
import { ReportRefused, type JobLog, type JobReporter, type JobUpdate, type JobUpdateReply } from './job.ts'
import { LogBuffer } from './log-buffer.ts'

/** Tells the time. */
export interface Clock {
  now(): Date
}

/** What a job session needs; see `RunJobOptions`. */
export interface JobSessionOptions {
  readonly reporter: JobReporter
  readonly clock: Clock
  readonly heartbeatIntervalMs: number
  readonly forceCancelIntervalMs: number
  readonly logFlushIntervalMs: number
  readonly shutdownGraceMs: number
  readonly signal: AbortSignal
}

/** Why a job was not waited for any longer: it fails with a text, or nobody is there to hear about it. */
export type Interruption = { readonly error: string } | { readonly abandoned: unknown }

const canceledText = 'the job was canceled'
const cancelTimedOutText = 'Cancel timed out'
const shutdownText = 'provisioner daemon was shutdown gracefully'

/** One job's line to the server while it runs: its log, its signs of life, and what comes back: cancel, shutdown, silence. */
export class JobSession {
  /** Settles, never rejects, when the job must not be waited for any longer. */
  readonly interruption: Promise<Interruption>
  readonly #options: JobSessionOptions
  readonly #cancel = new AbortController()
  readonly #force = new AbortController()
  readonly #logs: LogBuffer
  readonly #onShutdown = (): void => this.#endGracefully(shutdownText)
  #settleInterruption: (interruption: Interruption) => void = () => {}
  #interruption: Interruption | undefined
  #forceTimer: NodeJS.Timeout | undefined
  #heartbeatTimer: NodeJS.Timeout | undefined
  #heartbeat: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(options: JobSessionOptions) {
    this.#options = options
    this.interruption = new Promise((resolve) => {
      this.#settleInterruption = resolve
    })
    this.#logs = new LogBuffer({
      flushIntervalMs: options.logFlushIntervalMs,
      send: async (logs) => await this.#updateOrGiveUp({ logs }),
    })
  }

  /** Aborted with the reason as a {@link ProvisionError} when the job should end early. */
  get signal(): AbortSignal {
    return this.#cancel.signal
  }

  /** What ended the session before its time, if anything did. */
  get interruptedBy(): Interruption | undefined {
    return this.#interruption
  }

  /** Begins the signs of life and listens for shutdown. */
  start(): void {
    const { signal } = this.#options
    if (signal.aborted) this.#onShutdown()
    else signal.addEventListener('abort', this.#onShutdown, { once: true })
    this.#scheduleHeartbeat()
  }

  /** Marks the beginning of a stage in the log, or says something in it. */
  async announce(stage: string, output = '', level: LogLevel = 'info'): Promise<void> {
    await this.#add({ source: 'provisioner_daemon', level, stage, output })
  }

  /** What a driver is given for one stage. */
  driverRequest(directory: string, stage: string): DriverRequest {
    return {
      directory,
      signal: this.#cancel.signal,
      forceSignal: this.#force.signal,
      log: async (level, output) => await this.#add({ source: 'provisioner', level, stage, output }),
    }
  }

  /** Sends an update. What can't be sent ends the session and rejects; what is refused only rejects. */
  async update(update: JobUpdate): Promise<JobUpdateReply> {
    return await this.#report(async (reporter) => {
      const reply = await reporter.update(update)
      if (reply.canceled) this.#endGracefully(canceledText)
      return reply
    })
  }

  /** Asks for quota. */
  async commitQuota(dailyCost: number): ReturnType<JobReporter['commitQuota']> {
    return await this.#report(async (reporter) => await reporter.commitQuota(dailyCost))
  }

  /** Tells the driver to end at once. */
  force(reason: string): void {
    this.#cancel.abort(new ProvisionError(reason))
    this.#force.abort(new ProvisionError(reason))
  }

  /** Sends what is left of the log and ends the signs of life. Nothing is sent afterwards. */
  async end(): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#heartbeatTimer)
    clearTimeout(this.#forceTimer)
    this.#options.signal.removeEventListener('abort', this.#onShutdown)
    await this.#heartbeat
    await this.#logs.flush()
    this.#logs.close()
  }

  async #add(log: Omit<JobLog, 'created_at'>): Promise<void> {
    await this.#logs.add({ ...log, created_at: this.#options.clock.now().getTime() })
  }

  async #report<Reply>(call: (reporter: JobReporter) => Promise<Reply>): Promise<Reply> {
    try {
      return await call(this.#options.reporter)
    } catch (error) {
      if (!(error instanceof ReportRefused)) this.#interrupt({ abandoned: error })
      throw error
    }
  }

  async #updateOrGiveUp(update: JobUpdate): Promise<void> {
    try {
      await this.update(update)
    } catch (error) {
      this.#interrupt({ abandoned: error })
    }
  }

  #interrupt(interruption: Interruption): void {
    this.#interruption ??= interruption
    if ('abandoned' in interruption) this.#logs.close()
    this.#settleInterruption(interruption)
  }

  #endGracefully(reason: string): void {
    const isShutdown = reason === shutdownText
    // A shutdown waits for nothing as long as a cancel does, also where the job has been canceled before.
    if (this.#isOver || (this.#cancel.signal.aborted && !isShutdown)) return
    const { forceCancelIntervalMs, shutdownGraceMs } = this.#options
    this.#cancel.abort(new ProvisionError(reason))
    clearTimeout(this.#forceTimer)
    this.#forceTimer = setTimeout(
      () => this.#interrupt({ error: isShutdown ? shutdownText : cancelTimedOutText }),
      isShutdown ? shutdownGraceMs : forceCancelIntervalMs,
    )
  }

  #scheduleHeartbeat(): void {
    this.#heartbeatTimer = setTimeout(() => {
      this.#heartbeat = this.#beat()
    }, this.#options.heartbeatIntervalMs)
  }

  async #beat(): Promise<void> {
    await this.#updateOrGiveUp({})
    if (!this.#isOver && this.#interruption === undefined) this.#scheduleHeartbeat()
  }
}
