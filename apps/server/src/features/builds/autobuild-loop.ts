import { ScheduleError } from '@berth/schema/rules'
import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import { autobuildDue, type AutobuildDue } from './autobuild-due.ts'
import type { AutobuildCandidate, AutobuildStore } from './autobuild-store.ts'
import type { BuildOrder, BuildService } from './service.ts'

const MINUTE_MS = 60_000
/** Workspaces of one transaction: few enough that nobody waits long for one of them. */
const BATCH_SIZE = 200
/** Timers may come a little early, and a tick before its minute would leave what is due to the next. */
const TICK_MARGIN_MS = 50
/** The longest that a timer of Node can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface LoopOptions {
  readonly database: Database
  readonly store: AutobuildStore
  readonly builds: BuildService
  readonly clock: Clock
  readonly logger: Logger
  /** How often it looks: at the multiples of this, by the clock. */
  readonly pollIntervalMs: number
}

interface Batch {
  /** How many workspaces were looked at. */
  readonly size: number
  readonly buildIds: readonly string[]
}

/**
 * Starts workspaces when their schedule fires and stops them at their deadline, each once, however many servers look at the same time: a workspace is built in the transaction that has it
 * locked, and passed over where another server has. What was missed while no server ran is made up for at the next tick.
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

  /** Ends it after the transaction under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#ticking
  }

  /** Looks once, as if it were `now`. Returns the IDs of the builds that it put into the queue. */
  async tick(now: Date): Promise<string[]> {
    // Whole minutes, so that all that is due in one is built together (Coder v2 API, v0.13.4).
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
        // One by one from here, so that a workspace that can't be built holds up none of the others.
        if (limit === 1) {
          failed.push(...looked)
          this.#options.logger.error({ err: error, workspace_id: looked[0] }, 'a workspace could not be started or stopped by itself')
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
      if (buildIds.length > 0) logger.info({ builds: buildIds.length }, 'workspaces start or stop by themselves')
    } catch (error) {
      // What was due stays due, so the next tick makes up for it.
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, 'schedules could not be looked at')
    }
  }

  /** Builds what is due of a batch and notes for the rest when it is. `looked` is filled with the workspaces that were locked. */
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
      this.#options.logger.warn({ workspace_id: candidate.id }, `the schedule of a workspace cannot be read: ${error.message}`)
      return undefined
    }
  }
}

/** The same version as before, whatever the template has made of itself, for the owner. */
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
