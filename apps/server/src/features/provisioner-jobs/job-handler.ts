import type { Job, JobResult, JobUpdate, JobUpdateReply, QuotaReply } from '@berth/provisioner'
import type { Transaction } from '../../database/database.ts'
import type { JobRow } from './store.ts'

/** How a job ended without success. */
export interface JobFailure {
  readonly error: string
  /** What the provisioner left; absent where it said nothing. */
  readonly state?: Uint8Array
}

/** What one type of job means. The queue knows when a job is taken and when it ends; the handler knows what for. */
export interface JobHandler {
  /** Everything the worker needs. What it throws becomes the error of the job. */
  prepare(job: JobRow): Promise<Job>
  /** A worker has taken the job. */
  acquired?(transaction: Transaction, job: JobRow): Promise<void>
  /** Stores what a worker found out on the way. */
  update?(transaction: Transaction, job: JobRow, update: JobUpdate): Promise<Omit<JobUpdateReply, 'canceled'>>
  /** Takes credits for what the job is about to do. Absent: such jobs cost nothing. */
  commitQuota?(job: JobRow, dailyCost: number): Promise<QuotaReply>
  /** Stores what the job brought about, in the transaction that ends it. */
  completed(transaction: Transaction, job: JobRow, result: JobResult): Promise<void>
  /** Runs in the transaction that ends it. */
  failed(transaction: Transaction, job: JobRow, failure: JobFailure): Promise<void>
}

export type JobHandlers = Readonly<Partial<Record<JobRow['type'], JobHandler>>>
