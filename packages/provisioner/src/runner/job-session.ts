import { ProvisionError, type DriverRequest, type LogLevel } from '../driver.ts'
import { ReportRefused, type JobLog, type JobReporter, type JobUpdate, type JobUpdateReply } from './job.ts'
import { LogBuffer, defaultLogFlushIntervalMs } from './log-buffer.ts'

/** Tells the time. */
export interface Clock {
  now(): Date
}

export interface JobSessionOptions {
  readonly reporter: JobReporter
  readonly clock: Clock
  /**
   * How often a heartbeat is sent, and so how soon a cancel is noticed. The reference uses 500 ms.
   */
  readonly heartbeatIntervalMs: number
  /** How long a canceled job may take to end gracefully. The reference allows 10 minutes. */
  readonly forceCancelIntervalMs: number
  /**
   * How long log lines are collected before they are sent. Default: {@link
   * defaultLogFlushIntervalMs}.
   */
  readonly logFlushIntervalMs?: number
  /**
   * How long a job may take to end gracefully after `signal` is aborted. Default: {@link
   * defaultShutdownGraceMs}.
   */
  readonly shutdownGraceMs?: number
  /** Aborted when the worker shuts down. */
  readonly signal: AbortSignal
}

/** How long a job may take to end gracefully when its worker shuts down (Coder v2 API, v0.13.4). */
const defaultShutdownGraceMs = 5_000

/**
 * Why a job was not waited for: it fails with an error, or its reporter rejected and the job is
 * abandoned.
 */
export type Interruption = { readonly error: string } | { readonly abandoned: unknown }

const canceledText = 'the job was canceled'
const cancelTimedOutText = 'Cancel timed out'
const shutdownText = 'provisioner daemon was shutdown gracefully'

/**
 * A running job's connection to the server: it sends logs and heartbeats, and turns a cancel or a
 * shutdown into signals.
 */
export class JobSession {
  /** Resolves when the job must no longer be waited for. Never rejects. */
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
      flushIntervalMs: options.logFlushIntervalMs ?? defaultLogFlushIntervalMs,
      send: async (logs) => await this.#updateOrGiveUp({ logs }),
    })
  }

  /** Aborted when the job should end early. The reason is a {@link ProvisionError}. */
  get signal(): AbortSignal {
    return this.#cancel.signal
  }

  /** Why the session ended early; undefined if it did not. */
  get interruptedBy(): Interruption | undefined {
    return this.#interruption
  }

  /** Starts the heartbeats and listens for a shutdown. */
  start(): void {
    const { signal } = this.#options
    if (signal.aborted) this.#onShutdown()
    else signal.addEventListener('abort', this.#onShutdown, { once: true })
    this.#scheduleHeartbeat()
  }

  /** Logs the start of a stage, or a line of output in it. */
  async announce(stage: string, output = '', level: LogLevel = 'info'): Promise<void> {
    await this.#add({ source: 'provisioner_daemon', level, stage, output })
  }

  /** Returns the driver's request for one stage. */
  driverRequest(directory: string, stage: string): DriverRequest {
    return {
      directory,
      signal: this.#cancel.signal,
      forceSignal: this.#force.signal,
      log: async (level, output) => await this.#add({ source: 'provisioner', level, stage, output }),
    }
  }

  /**
   * Sends an update. Rejects if the server refuses it. If it can't be sent, also ends the session.
   */
  async update(update: JobUpdate): Promise<JobUpdateReply> {
    return await this.#report(async (reporter) => {
      const reply = await reporter.update(update)
      if (reply.canceled) this.#endGracefully(canceledText)
      return reply
    })
  }

  async commitQuota(dailyCost: number): ReturnType<JobReporter['commitQuota']> {
    return await this.#report(async (reporter) => await reporter.commitQuota(dailyCost))
  }

  /** Tells the driver to end at once. */
  force(reason: string): void {
    this.#cancel.abort(new ProvisionError(reason))
    this.#force.abort(new ProvisionError(reason))
  }

  /** Sends the rest of the log and stops the heartbeats. Nothing is sent afterwards. */
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
    // A shutdown applies its shorter grace even to a job that is being canceled.
    if (this.#isOver || (this.#cancel.signal.aborted && !isShutdown)) return
    const { forceCancelIntervalMs, shutdownGraceMs = defaultShutdownGraceMs } = this.#options
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
