import type { JobStatus, ProvisionerJob } from '@berth/schema'
import type { StoredJob } from '../../database/wire-json.ts'
import { JOB_LEASE_MS } from './job-lease.ts'

/** Returns the status of a job: the first row of the table that matches (Coder v2 API, v0.13.4). */
export function jobStatus(job: Omit<StoredJob, 'id' | 'created_at' | 'worker_id' | 'file_id' | 'tags'>, now: Date): JobStatus {
  const hasError = job.error !== null && job.error !== ''
  if (job.canceled_at !== null) {
    if (job.completed_at === null) return 'canceling'
    return hasError ? 'failed' : 'canceled'
  }
  if (job.started_at === null && job.completed_at === null) return 'pending'
  if (job.completed_at !== null) return hasError ? 'failed' : 'succeeded'
  return now.getTime() - Date.parse(job.updated_at) > JOB_LEASE_MS ? 'failed' : 'running'
}

/** Returns a job in wire form. */
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

/** Returns whether a job is unfinished. Until it ends, its workspace can't be built again. */
export function isActive(status: JobStatus): boolean {
  return status === 'pending' || status === 'running' || status === 'canceling'
}
