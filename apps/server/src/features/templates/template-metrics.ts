import type { Logger } from 'pino'
import { MAX_TIMER_MS, timestamp, type Clock } from '../../clock.ts'
import { isConnectionError } from '../../database/database-errors.ts'
import type { TemplateStore, TemplateUse } from './store.ts'

const DAY_MS = 86_400_000
/** The age up to which agent statistics count (Coder v2 API, v0.13.4). */
const ACTIVE_DAYS = 30
/** The age up to which builds count, in months (Coder v2 API, v0.13.4). */
const BUILT_MONTHS = 30

interface MetricsOptions {
  readonly store: TemplateStore
  readonly clock: Clock
  readonly logger: Logger
  readonly refreshIntervalMs: number
}

/**
 * Measures regularly how much templates are used and how long their builds take, because each
 * measurement reads a lot.
 */
export class TemplateMetrics {
  readonly #options: MetricsOptions
  #uses: ReadonlyMap<string, TemplateUse> = new Map()
  #timer: NodeJS.Timeout | undefined
  #refreshing: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(options: MetricsOptions) {
    this.#options = options
  }

  /** Returns the latest measurement. Undefined for templates that are newer than it. */
  of(templateId: string): TemplateUse | undefined {
    return this.#uses.get(templateId)
  }

  /** Measures now and then at every interval. */
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
      logger[isConnectionError(error) ? 'debug' : 'error']({ err: error }, 'could not measure the use of templates')
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
