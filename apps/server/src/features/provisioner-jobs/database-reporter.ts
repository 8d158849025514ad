import { setTimeout as sleep } from 'node:timers/promises'
import type { JobReporter, JobResult, JobUpdate, JobUpdateReply, QuotaReply } from '@berth/provisioner'
import { JOB_LOGS_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { notify } from '../../database/pubsub.ts'
import type { JobFailure, JobHandler } from './job-handler.ts'
import { REPORT_RETRY_MS } from './job-lease.ts'
import type { Redaction } from '../../secrets/redaction.ts'
import type { JobRow, JobStore } from './store.ts'

const FIRST_RETRY_DELAY_MS = 50
const MAX_RETRY_DELAY_MS = 1_000

/**
 * Thrown when the job no longer belongs to the daemon, or has failed because the daemon was silent.
 */
export class JobLost extends Error {
  override readonly name = 'JobLost'
}

export interface ReporterOptions {
  readonly job: JobRow
  readonly workerId: string
  readonly handler: JobHandler
  readonly database: Database
  readonly store: JobStore
  readonly clock: Clock
  /** Hides the job's sensitive values in logs, errors and resources. */
  readonly redaction: Redaction
}

/**
 * The reporter of built-in daemons. It writes directly to the database, and survives a restart of
 * the database.
 */
export class DatabaseReporter implements JobReporter {
  readonly #options: ReporterOptions

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  async update(update: JobUpdate): Promise<JobUpdateReply> {
    const { job, handler, database, store, redaction } = this.#options
    const hasNews = update.parameter_schemas !== undefined || update.readme !== undefined
    const logs = (update.logs ?? []).map((log) => ({ ...log, output: redaction.text(log.output) }))
    if (!hasNews && logs.length === 0) return await this.#persist(async () => await this.#beat(store))
    return await this.#persist(
      async () =>
        await database.transaction(async (transaction) => {
          const reply = await this.#beat(store.in(transaction))
          if (logs.length > 0) {
            await store.in(transaction).insertLogs(job.id, logs)
            await notify(transaction, JOB_LOGS_CHANNEL, job.id)
          }
          const found = hasNews ? await handler.update?.(transaction, job, update) : undefined
          redaction.learn(found?.parameter_values ?? [])
          return { ...reply, ...found }
        }),
    )
  }

  async commitQuota(dailyCost: number): Promise<QuotaReply> {
    const { handler, job } = this.#options
    return (await this.#persist(async () => await handler.commitQuota?.(job, dailyCost))) ?? { ok: true, credits_consumed: 0, budget: -1 }
  }

  async complete(result: JobResult): Promise<void> {
    const { handler, job, redaction } = this.#options
    await this.#end(null, async (transaction) => await handler.completed(transaction, job, { result, redaction }))
  }

  async fail(given: JobFailure): Promise<void> {
    const failure = { ...given, error: this.#options.redaction.text(given.error) }
    await this.#end(
      failure.error || null,
      async (transaction) => await this.#options.handler.failed(transaction, this.#options.job, failure),
    )
  }

  async #end(error: string | null, store: (transaction: Parameters<JobHandler['failed']>[0]) => Promise<void>): Promise<void> {
    const { job, workerId, database, clock } = this.#options
    await this.#persist(async () => {
      const hasEnded = await database.transaction(async (transaction) => {
        const jobs = this.#options.store.in(transaction)
        if (!(await jobs.complete({ id: job.id, workerId, error, now: timestamp(clock.now()) }))) return false
        await store(transaction)
        await notify(transaction, JOB_LOGS_CHANNEL, job.id)
        return true
      })
      if (!hasEnded) await this.#requireEndedByUs(error)
    })
  }

  /** Throws {@link JobLost} unless an earlier try ended the job and only its answer was lost. */
  async #requireEndedByUs(error: string | null): Promise<void> {
    const { job, workerId, store } = this.#options
    const now = await store.findById(job.id)
    if (now?.worker_id === workerId && now.completed_at !== null && now.error === error) return
    throw new JobLost(now?.completed_at === null ? "you don't own this job" : 'job already completed')
  }

  async #beat(store: JobStore): Promise<JobUpdateReply> {
    const { job, workerId, clock } = this.#options
    const reply = await store.beat({ id: job.id, workerId, now: timestamp(clock.now()) })
    if (reply === undefined) throw new JobLost("you don't own this job")
    return reply
  }

  async #persist<Result>(work: () => Promise<Result>): Promise<Result> {
    const startedAt = this.#options.clock.now().getTime()
    for (let delayMs = FIRST_RETRY_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_RETRY_DELAY_MS)) {
      try {
        return await work()
      } catch (error) {
        if (!isConnectionError(error) || this.#options.clock.now().getTime() - startedAt > REPORT_RETRY_MS) throw error
        await sleep(delayMs)
      }
    }
  }
}
