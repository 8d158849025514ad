import { ProvisionError, runJob, type Driver } from '@berth/provisioner'
import { provisionerTypes } from '@berth/schema'
import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { Bell } from '../../database/wake-ups.ts'
import { DatabaseReporter, JobLost } from './database-reporter.ts'
import type { JobHandler, JobHandlers } from './job-handler.ts'
import { checkPayload } from './job-payload.ts'
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
  /** How often the queue is looked at when no wake-up comes. */
  readonly pollIntervalMs: number
  readonly heartbeatIntervalMs: number
  readonly forceCancelIntervalMs: number
}

/** What the built-in daemons carry; a job goes to a daemon that has all of its tags (Coder v2 API, v0.13.4). */
export const BUILT_IN_TAGS = { scope: 'organization' }

/**
 * A built-in worker: takes one job after the other from the queue and runs it. It takes jobs of every provisioner: one that it has no driver for
 * fails, and does not wait for ever (Coder v2 API, v0.13.4, "provisioner topology").
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

  /** A job may be waiting. */
  wake(): void {
    this.#bell.ring()
  }

  /** Takes no more jobs; the one under way is ended gracefully, and failed with a reason where it does not end in time. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const job = await this.#acquire()
      if (job === undefined) await this.#bell.next({ timeoutMs: this.#options.pollIntervalMs, signal })
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
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, 'the job queue could not be read')
      return undefined
    }
  }

  async #work(job: JobRow): Promise<void> {
    const { id, handlers, database, store, clock, drivers, workDirectory, heartbeatIntervalMs, forceCancelIntervalMs } = this.#options
    const logger = this.#options.logger.child({ job_id: job.id, job_type: job.type })
    const handler = handlers[job.type] ?? unknownHandler
    const reporter = new DatabaseReporter({ job, workerId: id, handler, database, store, clock })
    logger.debug('job acquired')
    try {
      const prepared = await handler.prepare(job)
      checkPayload(prepared)
      const hasSucceeded = await runJob(prepared, {
        drivers,
        reporter,
        clock,
        heartbeatIntervalMs,
        forceCancelIntervalMs,
        workDirectory,
        signal: this.#stopping.signal,
      })
      logger.debug({ hasSucceeded }, 'job ended')
    } catch (error) {
      if (error instanceof JobLost) logger.warn(`job given up: ${error.message}`)
      else await this.#failJob(reporter, error, logger)
    }
  }

  async #failJob(reporter: DatabaseReporter, error: unknown, logger: Logger): Promise<void> {
    logger[error instanceof ProvisionError ? 'debug' : 'error']({ err: error }, 'job failed before it could be run')
    try {
      await reporter.fail({ error: error instanceof Error ? error.message : String(error) })
    } catch (reportError) {
      // The lease fails the job when it has been silent for long enough.
      logger.warn({ err: reportError }, 'the failure of a job could not be reported')
    }
  }
}

const unknownHandler: JobHandler = {
  prepare: async (job) => {
    throw new Error(`jobs of type ${job.type} cannot be run by this version`)
  },
  completed: async () => {},
  failed: async () => {},
}
