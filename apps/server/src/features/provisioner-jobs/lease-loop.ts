import type { Logger } from 'pino'
import { sql } from 'kysely'
import { JOB_LOGS_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import { advisoryLockNumber } from '../../database/advisory-lock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { notify } from '../../database/pubsub.ts'
import type { JobHandlers } from './job-handler.ts'
import { JOB_LEASE_MS, SUSPICIOUS_SILENCE_MS } from './job-lease.ts'
import type { JobRow, JobStore } from './store.ts'

const TICK_INTERVAL_MS = 1_000
/** How long daemons may take to report again after the database was away. */
const RECONNECT_GRACE_MS = 5_000

/** Returns the name of the advisory lock that a server holds while it is alive. */
export function replicaLockName(replicaId: string): string {
  return `berth replica ${replicaId}`
}

interface LeaseLoopOptions {
  readonly replicaId: string
  readonly database: Database
  readonly store: JobStore
  readonly handlers: JobHandlers
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Fails the jobs of daemons that went silent, in the database and with a reason: when their lease
 * ends, or as soon as their server is known to be dead. The workspace is usable again from then on.
 */
export class LeaseLoop {
  readonly #options: LeaseLoopOptions
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> = Promise.resolve()
  #graceUntil = 0

  constructor(options: LeaseLoopOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#ticking = this.#ticking.then(async () => await this.#tickSafely())
    }, TICK_INTERVAL_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#ticking
  }

  /** Checks all jobs once. Returns the IDs of those that it failed. */
  async tick(): Promise<string[]> {
    const { store, clock } = this.#options
    const now = clock.now().getTime()
    const failed: string[] = []
    for (const job of await store.listSilent(timestamp(now - SUSPICIOUS_SILENCE_MS))) {
      const silentMs = now - Date.parse(job.updated_at)
      const reason =
        silentMs > JOB_LEASE_MS
          ? `The provisioner daemon has not reported for ${Math.round(silentMs / 1000)} seconds, so the job failed. Try again.`
          : (await this.#isDead(job.replica_id))
            ? 'The server stopped while the job was running. Try again.'
            : undefined
      if (reason !== undefined && (await this.#fail(job, reason))) failed.push(job.id)
    }
    return failed
  }

  async #tickSafely(): Promise<void> {
    const { clock, logger } = this.#options
    if (clock.now().getTime() < this.#graceUntil) return
    try {
      await this.tick()
    } catch (error) {
      if (!isConnectionError(error)) logger.error({ err: error }, 'could not look for silent jobs')
      this.#graceUntil = clock.now().getTime() + RECONNECT_GRACE_MS
    }
  }

  async #isDead(replicaId: string | null): Promise<boolean> {
    if (replicaId === null || replicaId === this.#options.replicaId) return false
    const { rows } = await sql<{ free: boolean }>`
      select pg_try_advisory_xact_lock(${advisoryLockNumber(replicaLockName(replicaId))}::bigint) as free`.execute(
      this.#options.database.kysely,
    )
    return rows[0]?.free === true
  }

  /**
   * Fails a job even if its handler throws: the job must not hang, and must not keep others from
   * failing.
   */
  async #fail(job: JobRow, error: string): Promise<boolean> {
    const { handlers, logger } = this.#options
    try {
      return await this.#end(job, error, async (transaction) => await handlers[job.type]?.failed(transaction, job, { error }))
    } catch (handlerError) {
      if (isConnectionError(handlerError)) throw handlerError
      logger.error({ err: handlerError, job_id: job.id }, 'failed a job, but its handler threw')
      return await this.#end(job, error, async () => {})
    }
  }

  async #end(job: JobRow, error: string, failDependents: (transaction: Transaction) => Promise<void>): Promise<boolean> {
    const { database, store, clock, logger } = this.#options
    return await database.transaction(async (transaction) => {
      const now = timestamp(clock.now())
      const before = timestamp(clock.now().getTime() - SUSPICIOUS_SILENCE_MS)
      if (!(await store.in(transaction).failSilent({ id: job.id, before, error, now }))) return false
      await failDependents(transaction)
      await notify(transaction, JOB_LOGS_CHANNEL, job.id)
      logger.warn({ job_id: job.id }, error)
      return true
    })
  }
}
