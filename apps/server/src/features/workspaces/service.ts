import { randomUUID } from 'node:crypto'
import { Failure, type CreateWorkspaceRequest } from '@berth/schema'
import { ScheduleError, TtlError, ZERO_TIME, checkTtl, minAcceptedExtensionMs, parseSchedule } from '@berth/schema/rules'
import { may } from '../../access/may.ts'
import { visibleCondition } from '../../access/visible.ts'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Queries, Transaction } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import { notify } from '../../database/pubsub.ts'
import type { OrganizationRow, TemplateRow, UserRow, WorkspaceRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { BuildService } from '../builds/service.ts'
import type { ParameterService } from '../parameters/service.ts'
import type { TemplateVersionService } from '../template-versions/service.ts'
import type { TemplateService } from '../templates/service.ts'
import { readFilter, type WorkspaceListRequest } from './read-filter.ts'
import type { WorkspaceStore, WorkspaceView } from './store.ts'

export type { WorkspaceView } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: WorkspaceStore
  readonly builds: BuildService
  readonly templates: TemplateService
  readonly versions: TemplateVersionService
  readonly parameters: ParameterService
  readonly audit: AuditService
  readonly clock: Clock
  readonly inactiveDisconnectTimeoutMs: number
}

/** Creates, finds and changes workspaces. */
export class WorkspaceService {
  readonly #dependencies: Dependencies
  readonly #store: WorkspaceStore

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
  }

  /** Includes deleted workspaces. Throws `not_found`. */
  async get(id: string, queries?: Queries): Promise<WorkspaceRow> {
    const row = await (queries === undefined ? this.#store : this.#store.in(queries)).findById(id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Throws `not_found`. Names match in any case. */
  async getByName(owner: UserRow, name: string, { includeDeleted }: { readonly includeDeleted: boolean }): Promise<WorkspaceRow> {
    const row =
      (await this.#store.findByName(owner.id, name)) ?? (includeDeleted ? await this.#store.findDeletedByName(owner.id, name) : undefined)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Throws `not_found`. */
  async view(id: string, queries?: Queries): Promise<WorkspaceView> {
    const view = await (queries === undefined ? this.#store : this.#store.in(queries)).findView(id)
    if (view === undefined) throw new Failure('not_found')
    return view
  }

  async list(actor: Actor, request: WorkspaceListRequest): Promise<{ views: WorkspaceView[]; count: number }> {
    const { clock, inactiveDisconnectTimeoutMs } = this.#dependencies
    const now = clock.now().getTime()
    return await this.#store.listPage({
      visible: visibleCondition(actor.permissions, 'read', 'workspace'),
      filter: readFilter(request, actor.user_id),
      limit: request.limit ?? 0,
      offset: request.offset ?? 0,
      afterId: request.after_id,
      now: timestamp(now),
      inactiveBefore: timestamp(now - inactiveDisconnectTimeoutMs),
    })
  }

  /**
   * Creates a workspace and queues its first build, after all checks in the order of the wire
   * (Coder v2 API, v0.13.4).
   */
  async create(
    actor: Actor,
    { organization, owner }: { readonly organization: OrganizationRow; readonly owner: UserRow },
    request: CreateWorkspaceRequest,
  ): Promise<WorkspaceView> {
    const { database, versions, parameters, builds, audit, clock } = this.#dependencies
    const template = await this.#requireTemplate(actor, organization, request.template_id)
    const autostart_schedule = checkedSchedule(request.autostart_schedule)
    const ttl_ms = request.ttl_ms ? checkedTtl(request.ttl_ms) : template.default_ttl_ms || null
    if ((await this.#store.findByName(owner.id, request.name)) !== undefined) throw nameTaken(request.name)
    await versions.requireImported(template.active_version_id)
    const version = await versions.get(template.active_version_id)
    const workspace = {
      id: randomUUID(),
      created_at: timestamp(clock.now()),
      owner_id: owner.id,
      organization_id: organization.id,
      template_id: template.id,
      name: request.name,
      autostart_schedule,
      ttl_ms,
    }
    try {
      return await database.transaction(async (transaction) => {
        await this.#store.in(transaction).insert(workspace)
        const given = (request.parameter_values ?? []).filter(({ source_value }) => source_value !== '')
        await parameters.setWorkspaceValues(
          transaction,
          { importJobId: version.job_id, templateId: template.id, workspaceId: workspace.id },
          given,
        )
        await builds.enqueue(transaction, {
          workspace,
          version,
          transition: 'start',
          buildNumber: 1,
          initiatorId: actor.user_id,
          reason: 'initiator',
          state: 'previous',
        })
        await audit.record(transaction, actor, {
          action: 'create',
          resource_type: 'workspace',
          resource_id: workspace.id,
          resource_target: workspace.name,
          organization_id: organization.id,
          after: workspace,
          status_code: 201,
          additional_fields: { workspaceOwner: owner.username },
        })
        // Read in the transaction, so that the answer says "pending" however fast the workers are.
        return await this.view(workspace.id, transaction)
      })
    } catch (error) {
      if (violatedConstraint(error) === 'workspaces_name') throw nameTaken(request.name, error)
      throw error
    }
  }

  /**
   * Throws `workspace_deleted_rename`, `name_taken`. Changing only the case of the name is allowed.
   */
  async rename(actor: Actor, workspace: WorkspaceRow, name: string): Promise<void> {
    if (name === workspace.name) return
    try {
      await this.#change(actor, workspace, { name }, async (store) => {
        if (!(await store.rename(workspace.id, name)))
          throw new Failure('workspace_deleted_rename', { message: `Workspace "${workspace.name}" is deleted and cannot be updated.` })
      })
    } catch (error) {
      if (violatedConstraint(error) === 'workspaces_name') throw nameTaken(name, error)
      throw error
    }
  }

  /** Null and an empty text clear the schedule. Throws `invalid_schedule`. */
  async setAutostart(actor: Actor, workspace: WorkspaceRow, text: string | null): Promise<void> {
    const autostart_schedule = checkedSchedule(text)
    await this.#change(actor, workspace, { autostart_schedule }, async (store) => await store.update(workspace.id, { autostart_schedule }))
  }

  /** Null and 0 clear the TTL. Takes effect at the next build. Throws `invalid_ttl`. */
  async setTtl(actor: Actor, workspace: WorkspaceRow, ttlMs: number | null): Promise<void> {
    const ttl_ms = ttlMs ? checkedTtl(ttlMs) : null
    await this.#change(actor, workspace, { ttl_ms }, async (store) => await store.update(workspace.id, { ttl_ms }))
  }

  /**
   * Moves the deadline of the running build. Throws `workspace_not_extendable`, `invalid_deadline`.
   */
  async extend(workspace: WorkspaceRow, deadline: string): Promise<void> {
    const { database, builds, clock } = this.#dependencies
    try {
      await database.transaction(async (transaction) => {
        const locked = await this.#store.in(transaction).lock(workspace.id)
        const build = locked === undefined ? undefined : await builds.latest(transaction, locked)
        if (build === undefined || build.transition !== 'start')
          throw notExtendable(`the workspace must be started, but the transition of its latest build is "${build?.transition ?? 'none'}"`)
        if (!(await builds.hasCompleted(transaction, build))) throw notExtendable('the workspace is still being built')
        if (build.deadline === ZERO_TIME) throw notExtendable('the workspace has no deadline')
        if (Date.parse(deadline) < clock.now().getTime() + minAcceptedExtensionMs) throw new Failure('invalid_deadline')
        await builds.setDeadline(transaction, build, deadline)
      })
    } finally {
      // Clients wait for a notification even if the attempt fails (Coder v2 API, v0.13.4).
      await notify(database.kysely, WORKSPACES_CHANNEL, workspace.id)
    }
  }

  /** Frees the name of the workspace at once. */
  async markDeleted(transaction: Transaction, id: string): Promise<void> {
    await this.#store.in(transaction).update(id, { deleted: true })
  }

  async #change(
    actor: Actor,
    workspace: WorkspaceRow,
    fields: Partial<Pick<WorkspaceRow, 'name' | 'autostart_schedule' | 'ttl_ms'>>,
    work: (store: WorkspaceStore) => Promise<void>,
  ): Promise<void> {
    const { database, audit } = this.#dependencies
    await database.transaction(async (transaction) => {
      await work(this.#store.in(transaction))
      await audit.record(transaction, actor, {
        action: 'write',
        resource_type: 'workspace',
        resource_id: workspace.id,
        resource_target: workspace.name,
        organization_id: workspace.organization_id,
        before: workspace,
        after: { ...workspace, ...fields },
        status_code: 204,
      })
      await notify(transaction, WORKSPACES_CHANNEL, workspace.id)
    })
  }

  async #requireTemplate(actor: Actor, organization: OrganizationRow, id: string): Promise<TemplateRow> {
    const template = await this.#dependencies.templates.find(id)
    if (template === undefined)
      throw new Failure('template_not_found', {
        message: `Template "${id}" doesn't exist.`,
        validations: [{ field: 'template_id', detail: 'template not found' }],
      })
    if (template.deleted) throw new Failure('template_deleted', { message: `Template "${template.name}" has been deleted!` })
    if (!may(actor.permissions, 'read', { type: 'template', ...template })) throw new Failure('not_found')
    if (template.organization_id !== organization.id)
      throw new Failure('template_of_other_organization', { message: `Template is not in organization "${organization.name}".` })
    return template
  }
}

function checkedSchedule(text: string | null | undefined): string | null {
  if (!text) return null
  try {
    return parseSchedule(text).text
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    throw new Failure('invalid_schedule', { validations: [{ field: 'schedule', detail: error.message }], cause: error })
  }
}

function checkedTtl(ttlMs: number): number {
  try {
    return checkTtl(ttlMs)
  } catch (error) {
    if (!(error instanceof TtlError)) throw error
    throw new Failure('invalid_ttl', { validations: [{ field: 'ttl_ms', detail: error.message }], cause: error })
  }
}

function nameTaken(name: string, cause?: unknown): Failure {
  return new Failure('name_taken', {
    message: `Workspace "${name}" already exists.`,
    validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
    cause,
  })
}

function notExtendable(reason: string): Failure {
  return new Failure('workspace_not_extendable', { message: `Cannot extend workspace: ${reason}.` })
}
