import { Failure, type LogQuery, type ProvisionerJobLog } from '@berth/schema'
import type { WebSocket } from 'ws'
import { JOB_LOGS_CHANNEL, QUEUE_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { WakeUps } from '../../database/wake-ups.ts'
import { followJobLogs } from './log-socket.ts'
import { insertResources, type ResourceSet } from './resource-store.ts'
import type { JobRow, JobStore, NewJob } from './store.ts'

export type { JobCompletion, JobFailure, JobHandler, JobHandlers } from './job-handler.ts'
export type { JobRow, NewJob } from './store.ts'

type Seals = Pick<ResourceSet, 'sealToken' | 'sealValues'>

/**
 * The job queue for the rest of the server: enqueues and cancels jobs, and reads and follows their
 * logs.
 */
export class JobService {
  readonly #store: JobStore
  readonly #clock: Clock
  readonly #logWakeUps: WakeUps
  readonly #seals: Seals

  constructor(options: { readonly store: JobStore; readonly clock: Clock; readonly logWakeUps: WakeUps } & Seals) {
    const { store, clock, logWakeUps, sealToken, sealValues } = options
    this.#store = store
    this.#seals = { sealToken, sealValues }
    this.#clock = clock
    this.#logWakeUps = logWakeUps
  }

  /** Puts a job into the queue. Workers are notified when the transaction commits. */
  async enqueue(transaction: Transaction, job: NewJob): Promise<void> {
    await this.enqueueAll(transaction, [job])
  }

  /** Enqueues several jobs in one statement; see {@link enqueue}. */
  async enqueueAll(transaction: Transaction, jobs: readonly NewJob[]): Promise<void> {
    await this.#store.in(transaction).insertAll(jobs, timestamp(this.#clock.now()))
    await notify(transaction, QUEUE_CHANNEL)
  }

  /** Throws if there is no such job. */
  async get(transaction: Transaction, id: string): Promise<JobRow> {
    const job = await this.#store.in(transaction).findById(id)
    if (job === undefined) throw new Error(`job ${id} is gone`)
    return job
  }

  async find(id: string): Promise<JobRow | undefined> {
    return await this.#store.findById(id)
  }

  /** Returns the jobs that exist, by ID. */
  async getAll(transaction: Transaction, ids: readonly string[]): Promise<ReadonlyMap<string, JobRow>> {
    const rows = await this.#store.in(transaction).listByIds([...new Set(ids)])
    return new Map(rows.map((row) => [row.id, row]))
  }

  /**
   * Returns the tags of a job. Missing and unknown scopes become `organization`. The scope `user`
   * gets the owner's ID (Coder v2 API, v0.13.4).
   */
  tagsFor(tags: unknown, ownerId: string): Record<string, string> {
    const given = tags as Readonly<Record<string, string>> // strings, checked when the version was created
    return given['scope'] === 'user' ? { ...given, owner: ownerId } : { ...given, scope: 'organization' }
  }

  /** Stores the resources of a job. Throws `ReportRefused` for values that can't be stored. */
  async insertResources(transaction: Transaction, set: Omit<ResourceSet, 'now' | keyof Seals>): Promise<void> {
    await insertResources(transaction, { ...set, ...this.#seals, now: timestamp(this.#clock.now()) })
  }

  /**
   * Cancels a job. One that has not started ends at once, otherwise its worker is told. Throws
   * `job_completed`, `job_canceled`.
   */
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
   * Answers a request for logs: returns them, or with `follow` sends them over a WebSocket until
   * the job has ended.
   */
  async answerLogs(jobId: string, query: LogQuery, accept: () => Promise<WebSocket>): Promise<ProvisionerJobLog[] | undefined> {
    if (query.follow === undefined) return await this.listLogs(jobId, query)
    if (query.before !== undefined)
      throw new Failure('invalid_query', { validations: [{ field: 'before', detail: 'Cannot be used together with "follow"' }] })
    const socket = await accept()
    await followJobLogs(socket, { jobId, after: query.after ?? 0, store: this.#store, wakeUps: this.#logWakeUps })
    return undefined
  }
}
