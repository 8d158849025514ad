import type { JobStatus, Transition, WorkspaceBuild, WorkspaceStatus } from '@berth/schema'
import { ZERO_TIME } from '@berth/schema/rules'
import type { StoredBuild } from '../../database/build-json.ts'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentJob } from '../provisioner-jobs/present.ts'

/** The names of a build's workspace and its owner. */
export interface BuildNames {
  readonly workspace_name: string
  readonly workspace_owner_id: string
  readonly workspace_owner_name: string
}

const RUNNING: Readonly<Record<Transition, WorkspaceStatus>> = { start: 'starting', stop: 'stopping', delete: 'deleting' }
const SUCCEEDED: Readonly<Record<Transition, WorkspaceStatus>> = { start: 'running', stop: 'stopped', delete: 'deleted' }

/** Returns the status of a workspace (Coder v2 API, v0.13.4). */
export function workspaceStatus(job: JobStatus, transition: Transition): WorkspaceStatus {
  if (job === 'running') return RUNNING[transition]
  return job === 'succeeded' ? SUCCEEDED[transition] : job
}

/** Returns a build in wire form. */
export function presentBuild(
  build: StoredBuild,
  names: BuildNames,
  { resources, now }: { readonly resources: ResourcePresenter; readonly now: Date },
): WorkspaceBuild {
  const job = presentJob(build.job, now)
  const { id, created_at, updated_at, workspace_id, template_version_id, template_version_name, build_number } = build
  const { transition, initiator_id, initiator_name, reason, deadline, daily_cost } = build
  return {
    id,
    created_at,
    updated_at,
    workspace_id,
    ...names,
    template_version_id,
    template_version_name,
    build_number,
    transition,
    initiator_id,
    initiator_name,
    job,
    reason,
    resources: resources.present(build.resources),
    deadline: deadline === ZERO_TIME ? null : deadline,
    status: workspaceStatus(job.status, transition),
    daily_cost,
  }
}
