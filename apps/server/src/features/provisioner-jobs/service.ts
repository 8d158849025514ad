import { Failure, type LogQuery, type ProvisionerJobLog } from '@berth/schema'
import type { WebSocket } from 'ws'
import { JOB_LOGS_CHANNEL, QUEUE_CHANNEL } from '../../channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import { Bell, type WakeUps } from '../../database/wake-ups.ts'
import { writeJson } from '../../http/json-writer.ts'
import { jobTags } from './job-tags.ts'
import type { JobRow, JobStore, NewJob } from './store.ts'

export type { NewJob } from './store.ts'

const LOG_BATCH = 500
/** Looks again after so long even if nothing was heard. */
const LOG_POLL_MS = 15_000

/** The job queue as the rest of the server sees it: put in, cancel, read and follow logs. */
export class JobService {
  readonly #store: JobStore
  readonly #clock: Clock
  readonly #logWakeUps: WakeUps

  constructor({ store, clock, logWakeUps }: { readonly store: JobStore; readonly clock: Clock; readonly logWakeUps: WakeUps }) {
    this.#store = store
    this.#clock = clock
    this.#logWakeUps = logWakeUps
  }

  /** Puts a job into the queue; workers hear of it when the transaction commits. */
  async enqueue(transaction: Transaction, job: NewJob): Promise<void> {
    await this.enqueueAll(transaction, [job])
  }

  /** As {@link enqueue}, in one statement for all. */
  async enqueueAll(transaction: Transaction, jobs: readonly NewJob[]): Promise<void> {
    await this.#store.in(transaction).insertAll(jobs, timestamp(this.#clock.now()))
    await notify(transaction, QUEUE_CHANNEL)
  }

  /** Throws where there is no such job. */
  async get(transaction: Transaction, id: string): Promise<JobRow> {
    const job = await this.#store.in(transaction).findById(id)
    if (job === undefined) throw new Error(`job ${id} is gone`)
    return job
  }

  /** Those that there are, by ID. */
  async getAll(transaction: Transaction, ids: readonly string[]): Promise<ReadonlyMap<string, JobRow>> {
    const rows = await this.#store.in(transaction).listByIds([...new Set(ids)])
    return new Map(rows.map((row) => [row.id, row]))
  }

  /** The tags of a job that builds a workspace from an imported version: those of the import, for the owner's own daemons where it says so. */
  tagsFor(imported: JobRow, ownerId: string): Record<string, string> {
    return jobTags(imported.tags as Record<string, string>, ownerId)
  }

  /** Cancels a job: at once where nobody has begun it, otherwise its worker is told. Throws `job_completed`, `job_canceled`. */
  async cancel(transaction: Transaction, jobId: string): Promise<void> {
    const store = this.#store.in(transaction)
    const canceled = await store.cancel(jobId, timestamp(this.#clock.now()))
    if (canceled === undefined) {
      const job = await store.findById(jobId)
      throw new Failure(job?.completed_at === null ? 'job_canceled' : 'job_completed')
    }
    await notify(transaction, JOB_LOGS_CHANNEL, jobId)
  }

  async listLogs(jobId: string, query: LogQuery): Promise<ProvisionerJobLog[]> {
    return await this.#store.listLogs(jobId, query)
  }

  /**
   * Answers a request for logs: all of them as an array, or, with `follow`, over a WebSocket until the job has ended. A slow reader holds up nothing but itself and misses nothing.
   */
  async answerLogs(jobId: string, query: LogQuery, accept: () => Promise<WebSocket>): Promise<ProvisionerJobLog[] | undefined> {
    if (query.follow === undefined) return await this.listLogs(jobId, query)
    if (query.before !== undefined)
      throw new Failure('invalid_query', { validations: [{ field: 'before', detail: 'Cannot be used together with "follow"' }] })
    const socket = await accept()
    await this.#follow(jobId, query.after ?? 0, socket)
    return undefined
  }

  async #follow(jobId: string, after: number, socket: WebSocket): Promise<void> {
    const bell = new Bell()
    const stopListening = this.#logWakeUps.on(jobId, () => bell.ring())
    const left = new AbortController()
    socket.on('close', () => left.abort())
    try {
      let cursor = after
      while (!left.signal.aborted) {
        // The job first: what was logged before it ended is then in the logs that are read after it.
        const job = await this.#store.findById(jobId)
        cursor = await this.#sendNew(jobId, cursor, socket)
        if (job === undefined || job.completed_at !== null) {
          socket.close(1000)
          return
        }
        await bell.next({ timeoutMs: LOG_POLL_MS, signal: left.signal })
      }
    } finally {
      stopListening()
    }
  }

  async #sendNew(jobId: string, after: number, socket: WebSocket): Promise<number> {
    let cursor = after
    for (;;) {
      const logs = await this.#store.listLogs(jobId, { after: cursor }, LOG_BATCH)
      for (const log of logs) await sent(socket, writeJson(log))
      cursor = logs.at(-1)?.id ?? cursor
      if (logs.length < LOG_BATCH) return cursor
    }
  }
}

/** Settles when the text is on its way; a closed socket swallows it, the loop around it sees that it is closed. */
async function sent(socket: WebSocket, text: string): Promise<void> {
  await new Promise<void>((resolve) => socket.send(text, () => resolve()))
}
