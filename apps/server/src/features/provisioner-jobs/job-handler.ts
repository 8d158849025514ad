import type { Job, JobResult, JobUpdate, JobUpdateReply, QuotaReply } from '@berth/provisioner'
import type { Transaction } from '../../database/database.ts'
import type { Redaction } from '../../secrets/redaction.ts'
import type { JobRow } from './store.ts'

export interface JobFailure {
  readonly error: string
  /** The state that the provisioner returned. Absent if it returned none. */
  readonly state?: Uint8Array
}

/** How a job succeeded. */
export interface JobCompletion {
  readonly result: JobResult
  /** Hides the job's sensitive values from people. */
  readonly redaction: Redaction
}

/**
 * Handles one type of job. The queue knows when a job starts and ends; the handler knows its
 * purpose.
 */
export interface JobHandler {
  /**
   * Returns everything that the worker needs. The message of a thrown error becomes the job's
   * error.
   */
  prepare(job: JobRow): Promise<Job>
  /** Runs in the transaction that assigns the job to a worker. */
  acquired?(transaction: Transaction, job: JobRow): Promise<void>
  /** Stores an update of a running job. */
  update?(transaction: Transaction, job: JobRow, update: JobUpdate): Promise<Omit<JobUpdateReply, 'canceled'>>
  /**
   * Takes credits for the resources that the job will create. If absent, such jobs cost nothing.
   */
  commitQuota?(job: JobRow, dailyCost: number): Promise<QuotaReply>
  /** Stores the result, in the transaction that ends the job. */
  completed(transaction: Transaction, job: JobRow, completion: JobCompletion): Promise<void>
  /** Stores the failure, in the transaction that ends the job. */
  failed(transaction: Transaction, job: JobRow, failure: JobFailure): Promise<void>
}

export type JobHandlers = Readonly<Partial<Record<JobRow['type'], JobHandler>>>
