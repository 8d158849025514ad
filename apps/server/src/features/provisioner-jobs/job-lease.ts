import type { Logger } from 'pino'
import { sql } from 'kysely'
import { JOB_LOGS_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import { advisoryLockNumber } from '../../database/advisory-lock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { notify } from '../../database/pubsub.ts'
import type { JobHandlers } from './job-handler.ts'
import { JOB_SILENCE_MS } from './present.ts'
import type { JobRow, JobStore } from './store.ts'

const TICK_MS = 1_000
/** Six missed heartbeats: from then on it is worth asking whether the worker's server is alive. */
const SUSPICION_MS = 3_000
/** After the database was away, workers get this long to be heard again. */
const GRACE_MS = 5_000

/** The name of the lock that a server holds as long as it lives. */
export function replicaLockName(replicaId: string): string {
  return `berth replica ${replicaId}`
}

interface LeaseOptions {
  readonly replicaId: string
  readonly database: Database
  readonly store: JobStore
  readonly handlers: JobHandlers
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Fails jobs whose worker is gone, in the database and with a reason: after 30 seconds of silence, or as soon as the server that ran the worker is known to be dead. The workspace is usable
 * again from that moment.
 */
export class JobLease {
  readonly #options: LeaseOptions
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> = Promise.resolve()
  #graceUntil = 0

  constructor(options: LeaseOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#ticking = this.#ticking.then(async () => await this.#tickSafely())
    }, TICK_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#ticking
  }

  /** Looks once. Returns the IDs of the jobs that it failed. */
  async tick(): Promise<string[]> {
    const { store, clock } = this.#options
    const now = clock.now().getTime()
    const failed: string[] = []
    for (const job of await store.listSilent(timestamp(now - SUSPICION_MS))) {
      const silentMs = now - Date.parse(job.updated_at)
      const reason =
        silentMs > JOB_SILENCE_MS
          ? `The provisioner daemon has not been heard of for ${Math.round(silentMs / 1000)} seconds, so the job was given up. Try again.`
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
      if (!isConnectionError(error)) logger.error({ err: error }, 'silent jobs could not be looked for')
      this.#graceUntil = clock.now().getTime() + GRACE_MS
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

  /** A job whose meaning cannot be dealt with is failed all the same: it must not hang, nor keep others from being failed. */
  async #fail(job: JobRow, error: string): Promise<boolean> {
    const { handlers, logger } = this.#options
    try {
      return await this.#end(job, error, async (transaction) => await handlers[job.type]?.failed(transaction, job, { error }))
    } catch (handlerError) {
      if (isConnectionError(handlerError)) throw handlerError
      logger.error({ err: handlerError, job_id: job.id }, 'a job was failed, but not what depends on it')
      return await this.#end(job, error, async () => {})
    }
  }

  async #end(job: JobRow, error: string, failDependents: (transaction: Transaction) => Promise<void>): Promise<boolean> {
    const { database, store, clock, logger } = this.#options
    return await database.transaction(async (transaction) => {
      const now = timestamp(clock.now())
      const before = timestamp(clock.now().getTime() - SUSPICION_MS)
      if (!(await store.in(transaction).failSilent({ id: job.id, before, error, now }))) return false
      await failDependents(transaction)
      await notify(transaction, JOB_LOGS_CHANNEL, job.id)
      logger.warn({ job_id: job.id }, error)
      return true
    })
  }
}
