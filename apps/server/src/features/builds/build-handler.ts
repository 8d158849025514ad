import type { Job, QuotaReply } from '@berth/provisioner'
import { ZERO_TIME } from '@berth/schema/rules'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { BuildRow, WorkspaceRow } from '../../database/rows.ts'
import type { AuditService } from '../audit/service.ts'
import type { FileService } from '../files/service.ts'
import { jobValue } from '../parameters/present.ts'
import type { ParameterService } from '../parameters/service.ts'
import type { JobCompletion, JobFailure, JobHandler, JobRow, JobService } from '../provisioner-jobs/service.ts'
import type { QuotaService } from '../quotas/service.ts'
import type { TemplateVersionService } from '../template-versions/service.ts'
import type { UserService } from '../users/service.ts'
import type { WorkspaceService } from '../workspaces/service.ts'
import type { BuildStore } from './store.ts'

interface Dependencies {
  readonly store: BuildStore
  readonly jobs: JobService
  readonly workspaces: WorkspaceService
  readonly versions: TemplateVersionService
  readonly parameters: ParameterService
  readonly files: FileService
  readonly users: UserService
  readonly quotas: QuotaService
  readonly audit: AuditService
  readonly clock: Clock
  readonly accessUrl: string
}

/** Handles build jobs: stores their results and updates their workspaces. */
export class BuildHandler implements JobHandler {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  async acquired(transaction: Transaction, job: JobRow): Promise<void> {
    const build = await this.#build(job, transaction)
    await notify(transaction, WORKSPACES_CHANNEL, build.workspace_id)
  }

  async prepare(job: JobRow): Promise<Job> {
    const { store, workspaces, versions, parameters, files, users, accessUrl } = this.#dependencies
    const build = await this.#build(job)
    const [workspace, version] = await Promise.all([workspaces.get(build.workspace_id), versions.get(build.template_version_id)])
    const [owner, initiator, archive, state, computed] = await Promise.all([
      users.resolve(workspace.owner_id, undefined),
      users.resolve(job.initiator_id, undefined),
      files.getData(job.file_id),
      store.getState(build.id),
      parameters.compute({ importJobId: version.job_id, templateId: version.template_id, workspaceId: workspace.id }),
    ])
    return {
      id: job.id,
      type: 'workspace_build',
      provisioner: job.provisioner,
      archive,
      user_name: initiator.username,
      workspace_build_id: build.id,
      workspace_name: workspace.name,
      parameter_values: computed.map(jobValue),
      metadata: {
        access_url: accessUrl,
        workspace_transition: build.transition,
        workspace_name: workspace.name,
        workspace_id: workspace.id,
        workspace_owner: owner.username,
        workspace_owner_id: owner.id,
        workspace_owner_email: owner.email,
      },
      state,
    }
  }

  async commitQuota(job: JobRow, dailyCost: number): Promise<QuotaReply> {
    return await this.#dependencies.quotas.commit(job.id, dailyCost)
  }

  async completed(transaction: Transaction, job: JobRow, { result, redaction }: JobCompletion): Promise<void> {
    if (result.type !== 'workspace_build') throw new Error(`a build can't end as ${result.type}`)
    const { store, jobs, workspaces, clock } = this.#dependencies
    const build = await this.#build(job, transaction)
    const workspace = await workspaces.get(build.workspace_id, transaction)
    const now = (await store.in(transaction).getCompletedAt(job.id)) ?? timestamp(clock.now())
    await store.in(transaction).update(build, {
      // For every transition, even stop and delete: clients read it (Coder v2 API, v0.13.4).
      deadline: workspace.ttl_ms === null ? ZERO_TIME : timestamp(Date.parse(now) + workspace.ttl_ms),
      provisioner_state: Buffer.from(result.state),
      updated_at: now,
    })
    await jobs.insertResources(transaction, { jobId: job.id, transition: build.transition, resources: result.resources, redaction })
    if (build.transition === 'delete') await workspaces.markDeleted(transaction, workspace.id)
    await this.#ended(transaction, { job, build, workspace, status_code: 200 })
  }

  async failed(transaction: Transaction, job: JobRow, failure: JobFailure): Promise<void> {
    const { store, workspaces, clock } = this.#dependencies
    const build = await this.#build(job, transaction)
    const workspace = await workspaces.get(build.workspace_id, transaction)
    if (failure.state !== undefined && failure.state.length > 0)
      await store.in(transaction).update(build, {
        deadline: ZERO_TIME,
        provisioner_state: Buffer.from(failure.state),
        updated_at: timestamp(clock.now()),
      })
    await this.#ended(transaction, { job, build, workspace, status_code: 500 })
  }

  async #ended(
    transaction: Transaction,
    end: { readonly job: JobRow; readonly build: BuildRow; readonly workspace: WorkspaceRow; readonly status_code: number },
  ): Promise<void> {
    const { job, build, workspace, status_code } = end
    await this.#dependencies.audit.record(
      transaction,
      // The job made the change, for the user who started it. There is no request.
      { user_id: job.initiator_id, origin: { request_id: job.id, ip: '', user_agent: '' } },
      {
        action: build.transition,
        resource_type: 'workspace_build',
        resource_id: build.id,
        resource_target: workspace.name,
        organization_id: workspace.organization_id,
        status_code,
        additional_fields: { workspaceName: workspace.name, buildNumber: String(build.build_number) },
      },
    )
    await notify(transaction, WORKSPACES_CHANNEL, workspace.id)
  }

  async #build(job: JobRow, transaction?: Transaction): Promise<BuildRow> {
    const { store } = this.#dependencies
    const build = await (transaction === undefined ? store : store.in(transaction)).findByJob(job.id)
    if (build === undefined) throw new Error(`the build of job ${job.id} is gone`)
    return build
  }
}
