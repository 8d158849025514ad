import { ProvisionError, runJob, type Driver } from '@berth/provisioner'
import { provisionerTypes } from '@berth/schema'
import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { Bell } from '../../database/wake-ups.ts'
import { DatabaseReporter, JobLost } from './database-reporter.ts'
import type { JobHandler, JobHandlers } from './job-handler.ts'
import { HEARTBEAT_INTERVAL_MS } from './job-lease.ts'
import { checkPayload } from './job-payload.ts'
import { Redaction } from '../../secrets/redaction.ts'
import type { JobRow, JobStore } from './store.ts'

export interface DaemonOptions {
  readonly id: string
  readonly drivers: readonly Driver[]
  readonly handlers: JobHandlers
  readonly database: Database
  readonly store: JobStore
  readonly clock: Clock
  readonly logger: Logger
  readonly workDirectory: string
  /** How often the queue is checked without a wake-up. At least {@link MIN_POLL_INTERVAL_MS}. */
  readonly pollIntervalMs: number
  readonly forceCancelIntervalMs: number
}

/** Daemons poll only in case a wake-up is lost, so there is no reason to poll faster. */
const MIN_POLL_INTERVAL_MS = 50

/**
 * The tags of built-in daemons. A job goes to a daemon that has all of its tags (Coder v2 API,
 * v0.13.4).
 */
export const BUILT_IN_TAGS = { scope: 'organization' }

/**
 * A built-in daemon: takes one job after another from the queue and runs it. It takes jobs for
 * every provisioner, so that a job without a driver fails instead of waiting for ever (Coder v2
 * API, v0.13.4, "provisioner topology").
 */
export class ProvisionerDaemon {
  readonly #options: DaemonOptions
  readonly #bell = new Bell()
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: DaemonOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Tells the daemon that a job may be waiting. */
  wake(): void {
    this.#bell.ring()
  }

  /**
   * Takes no more jobs. Ends the current one gracefully, and fails it with a reason if it does not
   * end in time.
   */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const timeoutMs = Math.max(MIN_POLL_INTERVAL_MS, this.#options.pollIntervalMs)
    while (!signal.aborted) {
      const job = await this.#acquire()
      if (job === undefined) await this.#bell.next({ timeoutMs, signal })
      else await this.#work(job)
    }
  }

  async #acquire(): Promise<JobRow | undefined> {
    const { id, database, store, handlers, clock, logger } = this.#options
    const worker = { id, provisioners: provisionerTypes, tags: BUILT_IN_TAGS, now: timestamp(clock.now()) }
    try {
      return await database.transaction(async (transaction) => {
        const job = await store.in(transaction).acquire(worker)
        if (job !== undefined) await handlers[job.type]?.acquired?.(transaction, job)
        return job
      })
    } catch (error) {
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, 'could not read the job queue')
      return undefined
    }
  }

  async #work(job: JobRow): Promise<void> {
    const { id, handlers, database, store, clock, drivers, workDirectory, forceCancelIntervalMs } = this.#options
    const logger = this.#options.logger.child({ job_id: job.id, job_type: job.type })
    const handler = handlers[job.type] ?? unknownHandler
    const redaction = new Redaction()
    const reporter = new DatabaseReporter({ job, workerId: id, handler, database, store, clock, redaction })
    logger.debug('job acquired')
    try {
      const prepared = await handler.prepare(job)
      if ('parameter_values' in prepared) redaction.learn(prepared.parameter_values)
      checkPayload(prepared)
      const hasSucceeded = await runJob(prepared, {
        drivers,
        reporter,
        clock,
        heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
        forceCancelIntervalMs,
        workDirectory,
        signal: this.#stopping.signal,
      })
      logger.debug({ hasSucceeded }, 'job ended')
    } catch (error) {
      if (error instanceof JobLost) logger.warn(`abandoned a job: ${error.message}`)
      else await this.#failJob(reporter, error, logger)
    }
  }

  async #failJob(reporter: DatabaseReporter, error: unknown, logger: Logger): Promise<void> {
    logger[error instanceof ProvisionError ? 'debug' : 'error']({ err: error }, 'job failed before it started')
    try {
      await reporter.fail({ error: error instanceof Error ? error.message : String(error) })
    } catch (reportError) {
      // The job fails when its lease ends.
      logger.warn({ err: reportError }, 'could not report that a job failed')
    }
  }
}

const unknownHandler: JobHandler = {
  prepare: async (job) => {
    throw new Error(`this version can't run jobs of type ${job.type}`)
  },
  completed: async () => {},
  failed: async () => {},
}
