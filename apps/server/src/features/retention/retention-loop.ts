import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import type { Retention } from '../../settings/config.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import type { EndedJob, RetentionStore } from './store.ts'

interface Options {
  readonly store: RetentionStore
  readonly clock: Clock
  readonly logger: Logger
  /**
   * How long records are kept, as set by BERTH_JOB_LOG_RETENTION, BERTH_AGENT_STATS_RETENTION and
   * BERTH_AUDIT_LOG_RETENTION. The settings table has the defaults.
   */
  readonly keep: Retention
}

/** The number of deleted rows of each kind. */
export interface Deleted {
  readonly api_keys: number
  readonly agent_stats: number
  readonly audit_logs: number
  readonly job_logs: number
}

const INTERVAL_MS = 3_600_000
const FIRST_DELAY_MS = 60_000
const BATCH_ROWS = 2_000
const BATCH_JOBS = 200
/**
 * How long an expired key stays. Until then a client learns that its key has expired; afterwards
 * the key is unknown.
 */
const EXPIRED_KEY_RETENTION_MS = 7 * 86_400_000

/** Deletes expired records once an hour. Several servers may do so at the same time. */
export class RetentionLoop {
  readonly #options: Options
  /** The last job whose logs have been deleted. */
  #cleared: EndedJob | undefined
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: Options) {
    this.#options = options
  }

  start(): void {
    this.#schedule(FIRST_DELAY_MS)
  }

  /** Stops after the running statement. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#ticking
  }

  /** Deletes everything that has expired by `now`. */
  async tick(now: Date): Promise<Deleted> {
    const { store, keep } = this.#options
    const before = (keptMs: number): string => timestamp(now.getTime() - keptMs)
    const { agentStatsMs, auditLogMs, jobLogsMs } = keep
    return {
      api_keys: await this.#inBatches(async () => await store.deleteExpiredKeys(before(EXPIRED_KEY_RETENTION_MS), BATCH_ROWS)),
      agent_stats:
        agentStatsMs === undefined ? 0 : await this.#inBatches(async () => await store.deleteAgentStats(before(agentStatsMs), BATCH_ROWS)),
      audit_logs:
        auditLogMs === undefined ? 0 : await this.#inBatches(async () => await store.deleteAuditLogs(before(auditLogMs), BATCH_ROWS)),
      job_logs: jobLogsMs === undefined ? 0 : await this.#deleteJobLogs(before(jobLogsMs)),
    }
  }

  async #deleteJobLogs(before: string): Promise<number> {
    const { store } = this.#options
    let deleted = 0
    while (!this.#isStopped) {
      const jobs = await store.listEndedJobs({ before, after: this.#cleared, limit: BATCH_JOBS })
      const ids = jobs.map(({ id }) => id)
      deleted += await this.#inBatches(async () => await store.deleteJobLogs(ids, BATCH_ROWS))
      if (this.#isStopped) break
      this.#cleared = jobs.at(-1) ?? this.#cleared
      if (jobs.length < BATCH_JOBS) break
    }
    return deleted
  }

  async #inBatches(deleteBatch: () => Promise<number>): Promise<number> {
    let deleted = 0
    while (!this.#isStopped) {
      const rows = await deleteBatch()
      deleted += rows
      if (rows < BATCH_ROWS) break
    }
    return deleted
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#ticking = this.#tickSafely().finally(() => {
        if (!this.#isStopped) this.#schedule(INTERVAL_MS)
      })
    }, delayMs)
    this.#timer.unref()
  }

  async #tickSafely(): Promise<void> {
    const { clock, logger } = this.#options
    try {
      const deleted = await this.tick(clock.now())
      if (Object.values(deleted).some((rows: number) => rows > 0)) logger.info({ deleted }, 'deleted expired records')
    } catch (error) {
      // Expired records stay expired, so the next tick deletes them.
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, "couldn't delete expired records")
    }
  }
}
