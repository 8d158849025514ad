import type { JobStatus, ProvisionerJob } from '@berth/schema'
import type { StoredJob } from '../../database/wire-json.ts'

/** A worker that has not been heard of for so long is taken for dead (Coder v2 API, v0.13.4). */
export const JOB_SILENCE_MS = 30_000

/** Where a job stands: the first row of the table that matches (Coder v2 API, v0.13.4). */
export function jobStatus(job: Omit<StoredJob, 'id' | 'created_at' | 'worker_id' | 'file_id' | 'tags'>, now: Date): JobStatus {
  const hasError = job.error !== null && job.error !== ''
  if (job.canceled_at !== null) {
    if (job.completed_at === null) return 'canceling'
    return hasError ? 'failed' : 'canceled'
  }
  if (job.started_at === null && job.completed_at === null) return 'pending'
  if (job.completed_at !== null) return hasError ? 'failed' : 'succeeded'
  return now.getTime() - Date.parse(job.updated_at) > JOB_SILENCE_MS ? 'failed' : 'running'
}

/** A job as the wire shows it. */
export function presentJob(job: StoredJob, now: Date): ProvisionerJob {
  const { id, created_at, started_at, completed_at, canceled_at, error, worker_id, file_id, tags } = job
  return {
    id,
    created_at,
    ...(started_at !== null && { started_at }),
    ...(completed_at !== null && { completed_at }),
    ...(canceled_at !== null && { canceled_at }),
    ...(error !== null && error !== '' && { error }),
    status: jobStatus(job, now),
    ...(worker_id !== null && { worker_id }),
    file_id,
    tags,
  }
}

/** Pending, running or canceling: nothing else may be built meanwhile. */
export function isActive(status: JobStatus): boolean {
  return status === 'pending' || status === 'running' || status === 'canceling'
}
