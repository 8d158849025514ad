import { randomUUID } from 'node:crypto'
import { Failure, type CreateTemplateRequest, type UpdateTemplateMeta } from '@berth/schema'
import { visibleCondition } from '../../access/visible.ts'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import { notify, notifyAll } from '../../database/pubsub.ts'
import type { OrganizationRow, TemplateRow, TemplateVersionRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { ParameterService } from '../parameters/service.ts'
import type { TemplateVersionService } from '../template-versions/service.ts'
import type { TemplateMeta, TemplateStore, TemplateUse, TemplateView } from './store.ts'
import type { TemplateMetrics } from './template-metrics.ts'

export type { TemplateView } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: TemplateStore
  readonly versions: TemplateVersionService
  readonly parameters: ParameterService
  readonly metrics: TemplateMetrics
  readonly audit: AuditService
  readonly clock: Clock
}

/** The author of a change: a signed-in user, or the server on behalf of one. */
type Author = Pick<Actor, 'user_id' | 'origin'>

/** Creates and changes templates. */
export class TemplateService {
  readonly #dependencies: Dependencies
  readonly #store: TemplateStore

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
  }

  /** Throws `not_found`, for deleted templates too. */
  async get(id: string): Promise<TemplateRow> {
    const row = await this.#store.findById(id)
    if (row === undefined || row.deleted) throw new Failure('not_found')
    return row
  }

  /** Includes deleted templates. */
  async find(id: string): Promise<TemplateRow | undefined> {
    return await this.#store.findById(id)
  }

  /** Throws `not_found`. */
  async getByName(organizationId: string, name: string): Promise<TemplateRow> {
    const row = await this.#store.findByName(organizationId, name)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  async view(template: TemplateRow): Promise<TemplateView> {
    return await this.#store.getView(template.id)
  }

  /** Returns the measured use of a template. */
  use(id: string): TemplateUse | undefined {
    return this.#dependencies.metrics.of(id)
  }

  async list(actor: Actor, organization: OrganizationRow): Promise<TemplateView[]> {
    const rows = await this.#store.listOfOrganization(organization.id, visibleCondition(actor.permissions, 'read', 'template'))
    // Most used first, then by name.
    const users = (row: TemplateView): number => this.use(row.id)?.active_user_count ?? -1
    return rows.toSorted((a, b) => users(b) - users(a))
  }

  /** Creates a template from an existing version. */
  async create(author: Author, organization: Pick<OrganizationRow, 'id'>, request: CreateTemplateRequest): Promise<TemplateView> {
    const { database, versions, parameters } = this.#dependencies
    if ((await this.#store.findByName(organization.id, request.name)) !== undefined) throw nameTaken(request.name)
    const version = await versions.find(request.template_version_id)
    if (version === undefined)
      throw new Failure('not_found', {
        message: `Template version "${request.template_version_id}" does not exist.`,
        validations: [{ field: 'template_version_id', detail: 'Template version does not exist' }],
      })
    if ((request.default_ttl_ms ?? 0) < 0)
      throw new Failure('invalid_template', { validations: [{ field: 'default_ttl_ms', detail: 'Must be a positive integer.' }] })
    const row = this.#newRow(author, organization, request, version)
    try {
      await database.transaction(async (transaction) => {
        await this.#store.in(transaction).insert(row)
        await versions.attach(transaction, version.id, row.id)
        await parameters.setValues(transaction, { scope: 'template', id: row.id }, request.parameter_values ?? [])
        await this.#auditCreation(transaction, author, { row, version })
      })
    } catch (error) {
      if (violatedConstraint(error) === 'templates_name') throw nameTaken(request.name, error)
      throw error
    }
    return await this.#store.getView(row.id)
  }

  /** Changes the metadata of a template. Returns undefined if nothing would change. */
  async update(actor: Actor, template: TemplateRow, request: UpdateTemplateMeta): Promise<TemplateView | undefined> {
    const { database, audit, clock } = this.#dependencies
    const asked = metaOf(request)
    if (asked.default_ttl_ms < 0)
      throw new Failure('invalid_template', {
        message: 'Invalid request to update the template.',
        validations: [{ field: 'default_ttl_ms', detail: 'Must be a positive integer.' }],
      })
    const before = metaOf(template)
    if (isSame(before, asked)) return undefined
    const after = { ...asked, name: asked.name || before.name, description: asked.description || before.description }
    try {
      await database.transaction(async (transaction) => {
        const store = this.#store.in(transaction)
        await store.updateMeta(template.id, after, timestamp(clock.now()))
        await audit.record(transaction, actor, {
          action: 'write',
          resource_type: 'template',
          resource_id: template.id,
          resource_target: after.name,
          organization_id: template.organization_id,
          before: template,
          after: { ...template, ...after },
        })
        // Workspaces show the names and the icon of their template.
        await notifyAll(transaction, WORKSPACES_CHANNEL, await store.listWorkspaceIds(template.id))
      })
    } catch (error) {
      if (violatedConstraint(error) === 'templates_name') throw nameTaken(after.name, error)
      throw error
    }
    return await this.#store.getView(template.id)
  }

  /**
   * Sets the version that new workspaces use, and notifies those who watch workspaces of the
   * template.
   */
  async setActiveVersion(actor: Actor, template: TemplateRow, versionId: string): Promise<void> {
    const { database, versions, audit, clock } = this.#dependencies
    const version = await versions.find(versionId)
    if (version === undefined) throw new Failure('not_found', { message: `Template version "${versionId}" does not exist.` })
    if (version.template_id !== template.id)
      throw new Failure('template_version_not_found', {
        message: "The provided template version doesn't belong to the specified template.",
      })
    await database.transaction(async (transaction) => {
      await this.#store.in(transaction).setActiveVersion(template.id, versionId, timestamp(clock.now()))
      await audit.record(transaction, actor, {
        action: 'write',
        resource_type: 'template',
        resource_id: template.id,
        resource_target: template.name,
        organization_id: template.organization_id,
        before: template,
        after: { ...template, active_version_id: versionId },
      })
      for (const id of await this.#store.in(transaction).listWorkspaceIds(template.id)) await notify(transaction, WORKSPACES_CHANNEL, id)
    })
  }

  /** Throws `template_in_use`. */
  async delete(actor: Actor, template: TemplateRow): Promise<void> {
    const { database, audit, clock } = this.#dependencies
    await database.transaction(async (transaction) => {
      if (!(await this.#store.in(transaction).markDeleted(template.id, timestamp(clock.now())))) throw new Failure('template_in_use')
      await audit.record(transaction, actor, {
        action: 'delete',
        resource_type: 'template',
        resource_id: template.id,
        resource_target: template.name,
        organization_id: template.organization_id,
        before: template,
      })
    })
  }

  #newRow(
    author: Author,
    organization: Pick<OrganizationRow, 'id'>,
    request: CreateTemplateRequest,
    version: TemplateVersionRow & { provisioner: TemplateRow['provisioner'] },
  ): TemplateRow {
    const now = timestamp(this.#dependencies.clock.now())
    return {
      id: randomUUID(),
      created_at: now,
      updated_at: now,
      organization_id: organization.id,
      deleted: false,
      name: request.name,
      display_name: request.display_name ?? '',
      provisioner: version.provisioner,
      active_version_id: version.id,
      description: request.description ?? '',
      icon: request.icon ?? '',
      default_ttl_ms: request.default_ttl_ms ?? 0,
      created_by: author.user_id,
      allow_user_cancel_workspace_jobs: request.allow_user_cancel_workspace_jobs ?? false,
      user_acl: {},
      // All members of the organization may use it.
      group_acl: { [organization.id]: ['read'] },
    }
  }

  async #auditCreation(
    transaction: Parameters<AuditService['record']>[0],
    author: Author,
    { row, version }: { readonly row: TemplateRow; readonly version: TemplateVersionRow },
  ): Promise<void> {
    const { audit } = this.#dependencies
    const common = { organization_id: row.organization_id, status_code: 201 }
    await audit.record(transaction, author, {
      ...common,
      action: 'write',
      resource_type: 'template_version',
      resource_id: version.id,
      resource_target: version.name,
      before: version,
      after: { ...version, template_id: row.id },
    })
    await audit.record(transaction, author, {
      ...common,
      action: 'create',
      resource_type: 'template',
      resource_id: row.id,
      resource_target: row.name,
      after: row,
    })
  }
}

/** Absent fields count as empty, 0 or false (Coder v2 API, v0.13.4). */
function metaOf(fields: UpdateTemplateMeta): TemplateMeta {
  return {
    name: fields.name ?? '',
    display_name: fields.display_name ?? '',
    description: fields.description ?? '',
    icon: fields.icon ?? '',
    default_ttl_ms: fields.default_ttl_ms ?? 0,
    allow_user_cancel_workspace_jobs: fields.allow_user_cancel_workspace_jobs ?? false,
  }
}

function isSame(a: TemplateMeta, b: TemplateMeta): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function nameTaken(name: string, cause?: unknown): Failure {
  return new Failure('name_taken', {
    message: `Template with name "${name}" already exists.`,
    validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
    cause,
  })
}
