import { randomUUID } from 'node:crypto'
import { Failure, type CreateTemplateVersionDryRunRequest, type LogQuery, type ProvisionerJobLog } from '@berth/schema'
import type { WebSocket } from 'ws'
import { may } from '../../access/may.ts'
import type { Database } from '../../database/database.ts'
import type { StoredResource } from '../../database/wire-json.ts'
import type { TemplateVersionRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { ParameterService } from '../parameters/service.ts'
import type { JobRow, JobService } from '../provisioner-jobs/service.ts'
import type { TemplateVersionStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: TemplateVersionStore
  readonly jobs: JobService
  readonly parameters: ParameterService
}

/**
 * The input of a dry run's job. Its parameter values are stored as those of a workspace with the
 * job's ID, so that they are encrypted like any others.
 */
export interface DryRunInput {
  readonly template_version_id: string
  readonly workspace_name: string
}

/** Runs dry runs: jobs that predict the resources of a workspace without creating it. */
export class DryRunService {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Throws `not_found`, `job_not_completed`. */
  async create(actor: Actor, version: TemplateVersionRow, request: CreateTemplateVersionDryRunRequest): Promise<JobRow> {
    const { database, jobs, parameters } = this.#dependencies
    const { organization_id } = version
    if (!may(actor.permissions, 'create', { type: 'workspace', organization_id, owner_id: actor.user_id })) throw new Failure('not_found')
    const imported = await jobs.find(version.job_id)
    if (imported === undefined || imported.completed_at === null)
      throw new Failure('job_not_completed', { message: 'The template version has not been imported yet. Wait for its import to end.' })
    const id = randomUUID()
    const input: DryRunInput = { template_version_id: version.id, workspace_name: request.workspace_name ?? '' }
    return await database.transaction(async (transaction) => {
      await jobs.enqueue(transaction, {
        id,
        organization_id,
        initiator_id: actor.user_id,
        provisioner: imported.provisioner,
        type: 'template_version_dry_run',
        file_id: imported.file_id,
        tags: jobs.tagsFor(imported.tags, actor.user_id),
        input: { ...input },
      })
      await parameters.setDryRunValues(transaction, { importJobId: version.job_id, workspaceId: id }, request.parameter_values ?? [])
      return await jobs.get(transaction, id)
    })
  }

  /** Throws `not_found`. Does not check access; see {@link requireReadable}. */
  async get(id: string): Promise<JobRow> {
    const job = await this.#dependencies.jobs.find(id)
    if (job === undefined) throw new Failure('not_found')
    return job
  }

  /**
   * Throws `forbidden` unless the job is a dry run of the version, by a user whose workspaces the
   * caller may read (Coder v2 API, v0.13.4).
   */
  requireReadable(actor: Actor, version: TemplateVersionRow, job: JobRow): void {
    if (job.type !== 'template_version_dry_run' || readInput(job).template_version_id !== version.id) throw new Failure('forbidden')
    if (!may(actor.permissions, 'read', workspaceOf(job))) throw new Failure('forbidden')
  }

  /** Throws `job_not_completed`. */
  async resources(job: JobRow): Promise<StoredResource[]> {
    if (job.completed_at === null) throw new Failure('job_not_completed')
    return await this.#dependencies.store.listResources(job.id)
  }

  async answerLogs(job: JobRow, query: LogQuery, accept: () => Promise<WebSocket>): Promise<ProvisionerJobLog[] | undefined> {
    return await this.#dependencies.jobs.answerLogs(job.id, query, accept)
  }

  /** Throws `not_found`, `job_completed`, `job_canceled`. */
  async cancel(actor: Actor, job: JobRow): Promise<void> {
    const { database, jobs, parameters } = this.#dependencies
    if (!may(actor.permissions, 'update', workspaceOf(job))) throw new Failure('not_found')
    await database.transaction(async (transaction) => {
      await jobs.cancel(transaction, job.id)
      const { completed_at } = await jobs.get(transaction, job.id)
      // If the job had not started, no handler deletes its values.
      if (completed_at !== null) await parameters.deleteScope(transaction, job.id)
    })
  }
}

/** Returns the input of a dry run's job, as {@link DryRunService} stored it. */
export function readInput(job: JobRow): DryRunInput {
  return job.input as DryRunInput
}

/** The user who started a dry run counts as the owner of its workspace. */
function workspaceOf(job: JobRow): { type: 'workspace'; organization_id: string; owner_id: string } {
  return { type: 'workspace', organization_id: job.organization_id, owner_id: job.initiator_id }
}
