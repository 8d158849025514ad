import { randomUUID } from 'node:crypto'
import { Failure, type CreateWorkspaceBuildRequest, type LogQuery, type ProvisionerJobLog } from '@berth/schema'
import { NIL_UUID } from '@berth/schema/rules'
import type { WebSocket } from 'ws'
import { may } from '../../access/may.ts'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { notify, notifyAll } from '../../database/pubsub.ts'
import type { StoredResource } from '../../database/wire-json.ts'
import type { BuildRow, TemplateRow, TemplateVersionRow, WorkspaceRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { ParameterService } from '../parameters/service.ts'
import { isActive, jobStatus } from '../provisioner-jobs/present.ts'
import type { JobService, NewJob } from '../provisioner-jobs/service.ts'
import type { TemplateVersionService } from '../template-versions/service.ts'
import type { TemplateService } from '../templates/service.ts'
import type { BuildStore, BuildView, NewBuild } from './store.ts'

export type { BuildView } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: BuildStore
  readonly jobs: JobService
  readonly parameters: ParameterService
  readonly templates: TemplateService
  readonly versions: TemplateVersionService
  readonly clock: Clock
  readonly lockWorkspace: (transaction: Transaction, id: string) => Promise<WorkspaceRow | undefined>
}

/** A build that has passed all checks. */
export interface BuildOrder {
  readonly workspace: Pick<WorkspaceRow, 'id' | 'organization_id' | 'owner_id'>
  readonly version: Pick<TemplateVersionRow, 'id' | 'job_id'>
  readonly transition: BuildRow['transition']
  readonly buildNumber: number
  readonly initiatorId: string
  readonly reason: BuildRow['reason']
  /** `previous` copies the state of the previous build. */
  readonly state: Buffer | 'previous'
}

/** Starts, stops and deletes workspaces. */
export class BuildService {
  readonly #dependencies: Dependencies
  readonly #store: BuildStore

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<BuildRow> {
    const row = await this.#store.findById(id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  async view(id: string): Promise<BuildView> {
    return await this.#store.getView(id)
  }

  /** Throws `build_not_found`. `workspaceName` is the name as the caller spelled it. */
  async getByNumber(workspace: WorkspaceRow, buildNumber: number, workspaceName: string): Promise<BuildView> {
    const row = await this.#store.findByNumber(workspace.id, buildNumber)
    if (row === undefined)
      throw new Failure('build_not_found', { message: `Workspace ${JSON.stringify(workspaceName)} Build ${buildNumber} does not exist.` })
    return await this.#store.getView(row.id)
  }

  async list(workspace: WorkspaceRow, page: { after_id?: string; limit?: number; offset?: number; since?: string }): Promise<BuildView[]> {
    const { after_id, limit = 0, offset = 0, since } = page
    const cursor = after_id === undefined ? undefined : await this.#store.findById(after_id)
    if (after_id !== undefined && cursor === undefined)
      throw new Failure('cursor_not_found', {
        message: `Record at "after_id" (${JSON.stringify(after_id)}) does not exist.`,
        validations: [{ field: 'after_id', detail: 'The build does not exist' }],
      })
    return await this.#store.listOfWorkspace(workspace.id, { limit, offset, since, before: cursor?.build_number })
  }

  /**
   * Queues a build for a signed-in user, after all checks in the order of the wire (Coder v2 API,
   * v0.13.4).
   */
  async create(actor: Actor, workspace: WorkspaceRow, request: CreateWorkspaceBuildRequest): Promise<BuildView> {
    const { transition } = request
    if (transition === 'create') throw new Failure('invalid_build', { message: 'The transition "create" is not supported.' })
    const { organization_id, owner_id } = workspace
    if (transition === 'delete' && !may(actor.permissions, 'delete', { type: 'workspace', organization_id, owner_id }))
      throw new Failure('not_found')
    const version = await this.#requireVersion(workspace, request)
    const state = await this.#customState(actor, version, request)
    await this.#dependencies.versions.requireImported(version.id)
    return await this.#dependencies.database.transaction(async (transaction) => {
      const latest = await this.#requireIdle(transaction, workspace)
      await this.#dependencies.parameters.setWorkspaceValues(
        transaction,
        { importJobId: version.job_id, templateId: version.template_id, workspaceId: workspace.id },
        request.parameter_values ?? [],
      )
      const id = await this.enqueue(transaction, {
        workspace,
        version,
        transition,
        buildNumber: latest.latest_build_number + 1,
        initiatorId: actor.user_id,
        reason: 'initiator',
        state,
      })
      // Read in the transaction, so that the answer says "pending" however fast the workers are.
      return await this.#store.in(transaction).getView(id)
    })
  }

  /**
   * Stores a build and its job, and notifies those who watch the workspace. Returns the ID of the
   * build.
   */
  async enqueue(transaction: Transaction, order: BuildOrder): Promise<string> {
    const [id] = await this.enqueueAll(transaction, [order])
    if (id === undefined) throw new Error('the queued build has no ID')
    return id
  }

  /**
   * Enqueues several builds in a fixed number of statements; see {@link enqueue}. Returns the IDs
   * in the order of `orders`.
   */
  async enqueueAll(transaction: Transaction, orders: readonly BuildOrder[]): Promise<string[]> {
    if (orders.length === 0) return []
    const { jobs, clock } = this.#dependencies
    const imports = await jobs.getAll(
      transaction,
      orders.map(({ version }) => version.job_id),
    )
    const created_at = timestamp(clock.now())
    const newJobs: NewJob[] = []
    const newBuilds: NewBuild[] = []
    for (const { workspace, version, transition, buildNumber, initiatorId, reason, state } of orders) {
      const [id, jobId] = [randomUUID(), randomUUID()]
      const imported = imports.get(version.job_id)
      if (imported === undefined) throw new Error(`job ${version.job_id} is gone`)
      newJobs.push({
        id: jobId,
        organization_id: workspace.organization_id,
        initiator_id: initiatorId,
        provisioner: imported.provisioner,
        type: 'workspace_build',
        file_id: imported.file_id,
        tags: jobs.tagsFor(imported.tags, workspace.owner_id),
        input: { workspace_build_id: id, dry_run: false },
      })
      newBuilds.push({
        id,
        created_at,
        workspace_id: workspace.id,
        template_version_id: version.id,
        build_number: buildNumber,
        transition,
        initiator_id: initiatorId,
        job_id: jobId,
        reason,
        state,
      })
    }
    await jobs.enqueueAll(transaction, newJobs)
    await this.#store.in(transaction).insertAll(newBuilds)
    await notifyAll(
      transaction,
      WORKSPACES_CHANNEL,
      orders.map(({ workspace }) => workspace.id),
    )
    return newBuilds.map(({ id }) => id)
  }

  /** Returns the latest build of a workspace. */
  async latest(transaction: Transaction, workspace: WorkspaceRow): Promise<BuildRow | undefined> {
    return await this.#store.in(transaction).findByNumber(workspace.id, workspace.latest_build_number)
  }

  async hasCompleted(transaction: Transaction, build: BuildRow): Promise<boolean> {
    const job = await this.#dependencies.jobs.get(transaction, build.job_id)
    return job.completed_at !== null
  }

  async setDeadline(transaction: Transaction, build: BuildRow, deadline: string): Promise<void> {
    await this.#store.in(transaction).update(build, { deadline })
  }

  /** Cancels a build. Throws `cancel_forbidden`, `job_completed`, `job_canceled`. */
  async cancel(actor: Actor, build: BuildRow, workspace: WorkspaceRow): Promise<void> {
    const { database, jobs, templates } = this.#dependencies
    const template = await templates.find(workspace.template_id)
    if (template?.allow_user_cancel_workspace_jobs !== true && !actor.permissions.roles.includes('owner'))
      throw new Failure('cancel_forbidden')
    await database.transaction(async (transaction) => {
      await jobs.cancel(transaction, build.job_id)
      await notify(transaction, WORKSPACES_CHANNEL, workspace.id)
    })
  }

  async answerLogs(build: BuildRow, query: LogQuery, accept: () => Promise<WebSocket>): Promise<ProvisionerJobLog[] | undefined> {
    return await this.#dependencies.jobs.answerLogs(build.job_id, query, accept)
  }

  /** Throws `job_not_completed`. */
  async resources(build: BuildRow): Promise<StoredResource[]> {
    const { build: view } = await this.#store.getView(build.id)
    if (view.job.completed_at === null) throw new Failure('job_not_completed')
    return [...view.resources]
  }

  async state(build: BuildRow): Promise<Buffer> {
    return await this.#store.getState(build.id)
  }

  async #requireVersion(workspace: WorkspaceRow, request: CreateWorkspaceBuildRequest): Promise<TemplateVersionRow> {
    const given = request.template_version_id
    const id = given === undefined || given === NIL_UUID ? await this.#latestVersionId(workspace) : given
    const version = await this.#dependencies.versions.find(id)
    if (version?.template_id === null || version === undefined)
      throw new Failure('template_version_not_found', {
        validations: [{ field: 'template_version_id', detail: 'template version not found' }],
      })
    return version
  }

  async #latestVersionId(workspace: WorkspaceRow): Promise<string> {
    const latest = await this.#store.findByNumber(workspace.id, workspace.latest_build_number)
    if (latest === undefined) throw new Failure('not_found')
    return latest.template_version_id
  }

  /**
   * Returns the initial state of the build. Passing a state requires the permission to update the
   * template.
   */
  async #customState(actor: Actor, version: TemplateVersionRow, request: CreateWorkspaceBuildRequest): Promise<Buffer | 'previous'> {
    const { state, orphan, transition } = request
    const hasState = state !== undefined && state !== null
    if (!hasState && orphan !== true) return 'previous'
    const template = version.template_id === null ? undefined : await this.#dependencies.templates.find(version.template_id)
    if (template === undefined || !mayUpdate(actor, template)) throw new Failure('custom_state_forbidden')
    if (orphan === true && transition !== 'delete')
      throw new Failure('invalid_build', { message: 'Orphan is only permitted when deleting a workspace.' })
    if (orphan === true && hasState)
      throw new Failure('invalid_build', { message: 'Only one of "orphan" and "state" can be given, since orphaning removes the state.' })
    return hasState ? Buffer.from(state, 'base64') : Buffer.alloc(0)
  }

  /**
   * Locks the workspace until the transaction ends, so that one of two concurrent requests fails.
   * Throws `build_active`.
   */
  async #requireIdle(transaction: Transaction, workspace: WorkspaceRow): Promise<WorkspaceRow> {
    const latest = await this.#dependencies.lockWorkspace(transaction, workspace.id)
    if (latest === undefined) throw new Failure('not_found')
    if (latest.latest_job_id !== null) {
      const job = await this.#dependencies.jobs.get(transaction, latest.latest_job_id)
      if (isActive(jobStatus(job, this.#dependencies.clock.now()))) throw new Failure('build_active')
    }
    return latest
  }
}

function mayUpdate(actor: Actor, template: TemplateRow): boolean {
  return may(actor.permissions, 'update', { type: 'template', ...template })
}
