import type { Logger } from 'pino'
import { timestamp, type Clock } from '../clock.ts'
import type { ReplicaRecord, ReplicaStore } from './store.ts'

interface Dependencies {
  readonly store: ReplicaStore
  readonly clock: Clock
  readonly logger: Logger
  readonly replica: Omit<ReplicaRecord, 'started_at'>
}

const BEAT_INTERVAL_MS = 60_000
/** Far longer than a heartbeat may be late. */
const SILENT_AFTER_MS = 24 * 3_600_000

/** Keeps the row that tells other replicas how to reach this one. */
export class ReplicaPresence {
  readonly #dependencies: Dependencies
  readonly #startedAt: string
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> = Promise.resolve()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#startedAt = timestamp(dependencies.clock.now())
  }

  /** Resolves once other replicas can find this one. */
  async start(): Promise<void> {
    await this.#beat()
    this.#timer = setInterval(() => {
      this.#beating = this.#beating.then(async () => await this.#beat())
    }, BEAT_INTERVAL_MS)
    this.#timer.unref()
  }

  /** Resolves once no replica looks for this one any more. */
  async stop(): Promise<void> {
    const { store, logger, replica } = this.#dependencies
    clearInterval(this.#timer)
    await this.#beating
    await store.remove(replica.id).catch((error: unknown) => logger.warn({ err: error }, 'the row of this replica could not be deleted'))
  }

  async #beat(): Promise<void> {
    const { store, clock, logger, replica } = this.#dependencies
    const now = clock.now()
    try {
      await store.beat({ ...replica, started_at: this.#startedAt }, timestamp(now))
      await store.deleteSilent(timestamp(now.getTime() - SILENT_AFTER_MS))
    } catch (error) {
      logger.warn({ err: error }, 'the heartbeat of this replica could not be stored')
    }
  }
}
