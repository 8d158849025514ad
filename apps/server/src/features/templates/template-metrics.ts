import type { Logger } from 'pino'
import { timestamp, type Clock } from '../../clock.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import type { TemplateStore, TemplateUse } from './store.ts'

const DAY_MS = 86_400_000
/** For how long statistics of agents count (Coder v2 API, v0.13.4). */
const ACTIVE_DAYS = 30
/** How far back builds are looked at: 30 months (Coder v2 API, v0.13.4). */
const BUILT_MONTHS = 30
/** The longest that a timer of Node can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface MetricsOptions {
  readonly store: TemplateStore
  readonly clock: Clock
  readonly logger: Logger
  /** How often it measures. */
  readonly refreshIntervalMs: number
}

/** How much templates are used and how long their builds take, measured now and then, since it takes reading a lot. */
export class TemplateMetrics {
  readonly #options: MetricsOptions
  #uses: ReadonlyMap<string, TemplateUse> = new Map()
  #timer: NodeJS.Timeout | undefined
  #refreshing: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(options: MetricsOptions) {
    this.#options = options
  }

  /** What was measured last. Undefined for templates that are newer. */
  of(templateId: string): TemplateUse | undefined {
    return this.#uses.get(templateId)
  }

  /** Measures now, and from then on every so often. */
  start(): void {
    this.#refreshing = this.#refreshAndGoOn()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#refreshing
  }

  async #refreshAndGoOn(): Promise<void> {
    const { logger, refreshIntervalMs } = this.#options
    try {
      await this.#refresh()
    } catch (error) {
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, 'the use of templates could not be measured')
    }
    if (this.#isStopped) return
    this.#timer = setTimeout(() => this.start(), Math.min(refreshIntervalMs, MAX_TIMER_MS))
    this.#timer.unref()
  }

  async #refresh(): Promise<void> {
    const { store, clock } = this.#options
    const now = clock.now()
    const builtSince = new Date(now)
    builtSince.setUTCMonth(builtSince.getUTCMonth() - BUILT_MONTHS)
    const uses = await store.measureUse({
      activeSince: timestamp(now.getTime() - ACTIVE_DAYS * DAY_MS),
      builtSince: timestamp(builtSince),
    })
    this.#uses = new Map(uses.map((use) => [use.template_id, use]))
  }
}
