import { ScheduleError } from '@berth/schema/rules'
import type { Logger } from 'pino'
import { MAX_TIMER_MS, timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { autobuildDue, type AutobuildDue } from './autobuild-due.ts'
import type { AutobuildCandidate, AutobuildStore } from './autobuild-store.ts'
import type { BuildOrder, BuildService } from './service.ts'

const MINUTE_MS = 60_000
/** The workspaces of one transaction, few enough that requests for them don't wait long. */
const BATCH_SIZE = 200
/**
 * Timers may fire slightly early, and a tick before its minute would delay what is due by a minute.
 */
const TICK_MARGIN_MS = 50

interface LoopOptions {
  readonly database: Database
  readonly store: AutobuildStore
  readonly builds: BuildService
  readonly clock: Clock
  readonly logger: Logger
  /** The loop ticks when the clock is at a multiple of this. */
  readonly pollIntervalMs: number
}

interface Batch {
  /** How many workspaces were checked. */
  readonly size: number
  readonly buildIds: readonly string[]
}

/**
 * Starts workspaces when their schedule fires and stops them at their deadline. Each is built once,
 * however many servers run: it is locked while it is built, and other servers skip locked ones. The
 * first tick catches up on what was due while no server ran.
 */
export class AutobuildLoop {
  readonly #options: LoopOptions
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(options: LoopOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, pollIntervalMs } = this.#options
    const untilNext = pollIntervalMs - (clock.now().getTime() % pollIntervalMs) + TICK_MARGIN_MS
    this.#timer = setTimeout(() => (this.#ticking = this.#tickAndGoOn()), Math.min(untilNext, MAX_TIMER_MS))
    this.#timer.unref()
  }

  /** Stops the loop after the current transaction. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#ticking
  }

  /** Builds everything that is due at `now`. Returns the IDs of the queued builds. */
  async tick(now: Date): Promise<string[]> {
    // Whole minutes, so that everything due in a minute is built together (Coder v2 API, v0.13.4).
    const until = new Date(Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS)
    const buildIds: string[] = []
    const failed: string[] = []
    let limit = BATCH_SIZE
    while (!this.#isStopped) {
      const looked: string[] = []
      try {
        const batch = await this.#buildBatch({ until, limit, except: failed, looked })
        buildIds.push(...batch.buildIds)
        if (batch.size < limit) break
      } catch (error) {
        if (isConnectionError(error) || looked.length === 0) throw error
        // Continue one by one, so that a workspace that can't be built doesn't block the others.
        if (limit === 1) {
          failed.push(...looked)
          this.#options.logger.error({ err: error, workspace_id: looked[0] }, 'could not start or stop a workspace that is due')
        }
        limit = 1
      }
    }
    return buildIds
  }

  async #tickAndGoOn(): Promise<void> {
    await this.#tickSafely()
    if (!this.#isStopped) this.start()
  }

  async #tickSafely(): Promise<void> {
    const { clock, logger } = this.#options
    try {
      const buildIds = await this.tick(clock.now())
      if (buildIds.length > 0) logger.info({ builds: buildIds.length }, 'queued builds of workspaces that are due')
    } catch (error) {
      // Nothing is lost: what is due now is still due at the next tick.
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, 'could not check which workspaces are due')
    }
  }

  /**
   * Builds the workspaces of a batch that are due, and stores when the others are. Puts the IDs of
   * the locked workspaces into `looked`.
   */
  async #buildBatch(page: { until: Date; limit: number; except: readonly string[]; looked: string[] }): Promise<Batch> {
    const { database, store, builds } = this.#options
    const { until, limit, except, looked } = page
    return await database.transaction(async (transaction) => {
      const candidates = await store.in(transaction).lockDue({ until: timestamp(until), limit, except })
      looked.splice(0, looked.length, ...candidates.map(({ id }) => id))
      const orders: BuildOrder[] = []
      const later: { id: string; at: string | null }[] = []
      for (const candidate of candidates) {
        const due = this.#due(candidate)
        if (due === undefined || due.at > until) later.push({ id: candidate.id, at: due === undefined ? null : timestamp(due.at) })
        else orders.push(orderFor(candidate, due.transition))
      }
      await store.in(transaction).setDue(later)
      return { size: candidates.length, buildIds: await builds.enqueueAll(transaction, orders) }
    })
  }

  #due(candidate: AutobuildCandidate): AutobuildDue | undefined {
    try {
      return autobuildDue(candidate)
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error
      this.#options.logger.warn({ workspace_id: candidate.id }, `cannot read the schedule of a workspace: ${error.message}`)
      return undefined
    }
  }
}

/**
 * Returns a build for the owner, with the workspace's current version even if the template has a
 * newer one.
 */
function orderFor(candidate: AutobuildCandidate, transition: AutobuildDue['transition']): BuildOrder {
  return {
    workspace: candidate,
    version: { id: candidate.template_version_id, job_id: candidate.import_job_id },
    transition,
    buildNumber: candidate.build_number + 1,
    initiatorId: candidate.owner_id,
    reason: transition === 'start' ? 'autostart' : 'autostop',
    state: 'previous',
  }
}
