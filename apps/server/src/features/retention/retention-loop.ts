import { unusedFileDays } from '@berth/schema/rules'
import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import type { Retention } from '../../settings/config.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { describeDeleted, type Deleted } from './describe-deleted.ts'
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

const INTERVAL_MS = 3_600_000
const REPORT_INTERVAL_MS = 24 * INTERVAL_MS
const FIRST_DELAY_MS = 60_000
const BATCH_ROWS = 2_000
const BATCH_JOBS = 200
/**
 * How long an expired key stays. Until then a client learns that its key has expired; afterwards
 * the key is unknown.
 */
const EXPIRED_KEY_RETENTION_MS = 7 * 86_400_000

const UNUSED_FILE_RETENTION_MS = unusedFileDays * 86_400_000

const NOTHING: Deleted = { api_keys: 0, agent_stats: 0, audit_logs: 0, job_logs: 0, files: 0 }

/**
 * Deletes expired records once an hour, and logs at most once a day how many. Several servers may
 * do so at the same time.
 */
export class RetentionLoop {
  readonly #options: Options
  /** Deleted since the last report. */
  #unreported = NOTHING
  #reportedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: Options) {
    this.#options = options
  }

  start(): void {
    this.#schedule(FIRST_DELAY_MS)
  }

  /** Stops after the running statement, and logs what has not been reported yet. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#ticking
    this.#report()
  }

  /** Deletes everything that has expired by `now`. */
  async tick(now: Date): Promise<Deleted> {
    const deleted = await this.#delete(now)
    this.#unreported = sum(this.#unreported, deleted)
    if (now.getTime() - this.#reportedAt >= REPORT_INTERVAL_MS && this.#report()) this.#reportedAt = now.getTime()
    return deleted
  }

  /** Returns whether there was anything to report. */
  #report(): boolean {
    const words = describeDeleted(this.#unreported)
    if (words === undefined) return false
    this.#options.logger.info({ deleted: this.#unreported }, words)
    this.#unreported = NOTHING
    return true
  }

  async #delete(now: Date): Promise<Deleted> {
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
      files: await this.#inBatches(async () => await store.deleteUnusedFiles(before(UNUSED_FILE_RETENTION_MS), BATCH_ROWS)),
    }
  }

  async #deleteJobLogs(before: string): Promise<number> {
    const { store } = this.#options
    let deleted = 0
    let after: EndedJob | undefined
    while (!this.#isStopped) {
      const jobs = await store.listEndedJobs({ before, after, limit: BATCH_JOBS })
      const ids = jobs.map(({ id }) => id)
      deleted += await this.#inBatches(async () => await store.deleteJobLogs(ids, BATCH_ROWS))
      after = jobs.at(-1)
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
      await this.tick(clock.now())
    } catch (error) {
      // Expired records stay expired, so the next tick deletes them.
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, "couldn't delete expired records")
    }
  }
}

function sum(one: Deleted, other: Deleted): Deleted {
  return {
    api_keys: one.api_keys + other.api_keys,
    agent_stats: one.agent_stats + other.agent_stats,
    audit_logs: one.audit_logs + other.audit_logs,
    job_logs: one.job_logs + other.job_logs,
    files: one.files + other.files,
  }
}
