import { randomUUID } from 'node:crypto'
import { Failure, type CreateTemplateVersionRequest, type LogQuery, type ProvisionerJobLog, type ProvisionerType } from '@berth/schema'
import { NIL_UUID, randomName } from '@berth/schema/rules'
import type { WebSocket } from 'ws'
import { may } from '../../access/may.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import type { StoredResource } from '../../database/wire-json.ts'
import type { OrganizationRow, TemplateRow, TemplateVersionRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { FileService } from '../files/service.ts'
import type { Computation, ParameterSchemaRow, ParameterService } from '../parameters/service.ts'
import { jobStatus } from '../provisioner-jobs/present.ts'
import type { JobService } from '../provisioner-jobs/service.ts'
import type { TemplateVersionStore, TemplateVersionView } from './store.ts'
import type { TemplateExamples } from './template-examples.ts'

export type { TemplateExamples } from './template-examples.ts'

interface Dependencies {
  readonly database: Database
  readonly store: TemplateVersionStore
  readonly files: FileService
  readonly examples: TemplateExamples
  readonly jobs: JobService
  readonly parameters: ParameterService
  readonly audit: AuditService
  readonly clock: Clock
  readonly random: () => number
}

/** A new version that has passed all checks. */
export interface NewVersion {
  readonly organizationId: string
  readonly templateId: string | undefined
  readonly fileId: string
  readonly provisioner: ProvisionerType
  readonly name: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly parameterValues: NonNullable<CreateTemplateVersionRequest['parameter_values']>
}

/** Creates and reads template versions. Each is imported by a job. */
export class TemplateVersionService {
  readonly #dependencies: Dependencies
  readonly #store: TemplateVersionStore

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
  }

  async find(id: string): Promise<(TemplateVersionRow & { provisioner: ProvisionerType }) | undefined> {
    return await this.#store.findById(id)
  }

  async findByJob(jobId: string): Promise<TemplateVersionRow | undefined> {
    return await this.#store.findByJob(jobId)
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<TemplateVersionRow> {
    const row = await this.#store.findById(id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Throws `not_found`. With `isNameTold` its message has the name. */
  async getByName(templateId: string, name: string, { isNameTold }: { readonly isNameTold: boolean }): Promise<TemplateVersionRow> {
    const row = await this.#store.findByName(templateId, name)
    if (row === undefined)
      throw new Failure('not_found', isNameTold ? { message: `No template version found by name ${JSON.stringify(name)}.` } : {})
    return row
  }

  /** Returns the versions of that name in all templates of an organization, newest first. */
  async listByName(organizationId: string, name: string): Promise<TemplateVersionRow[]> {
    return await this.#store.listByName(organizationId, name)
  }

  /**
   * Returns the template's previous version, with the creator of the given one (Coder v2 API,
   * v0.13.4). Throws `not_found`.
   */
  async previous(version: TemplateVersionRow): Promise<TemplateVersionView> {
    const row = await this.#store.findPrevious(version)
    if (row === undefined)
      throw new Failure('not_found', { message: `No previous template version found for ${JSON.stringify(version.name)}.` })
    const { created_by, creator } = await this.#store.getView(version.id)
    return { ...(await this.#store.getView(row.id)), created_by, creator }
  }

  async view(id: string): Promise<TemplateVersionView> {
    return await this.#store.getView(id)
  }

  async listOfTemplate(
    template: TemplateRow,
    page: { after_id?: string; limit?: number; offset?: number },
  ): Promise<TemplateVersionView[]> {
    const { after_id, limit = 0, offset = 0 } = page
    const rows = await this.#store.listOfTemplate(template.id, { limit, offset, afterId: after_id })
    if (rows === undefined)
      throw new Failure('cursor_not_found', {
        message: `Record at "after_id" (${JSON.stringify(after_id)}) does not exist.`,
        validations: [{ field: 'after_id', detail: 'The template version does not exist' }],
      })
    return rows
  }

  /** Creates a version from an uploaded archive and queues its import. */
  async create(
    actor: Actor,
    { organization, template }: { readonly organization: OrganizationRow; readonly template: TemplateRow | undefined },
    request: CreateTemplateVersionRequest,
  ): Promise<TemplateVersionView> {
    const source = await this.#requireSource(actor, request)
    const version: NewVersion = {
      organizationId: organization.id,
      templateId: template?.id,
      ...source,
      name: request.name || undefined,
      tags: request.tags ?? {},
      parameterValues: await this.#dependencies.parameters.resolveCopies(request.parameter_values ?? [], template?.id),
    }
    return await this.#store.getView(await this.insert(actor, version))
  }

  /** Stores a version and queues its import. Returns its ID. */
  async insert(author: Pick<Actor, 'user_id' | 'origin'>, version: NewVersion): Promise<string> {
    const { database, jobs, parameters, audit, clock, random } = this.#dependencies
    const now = timestamp(clock.now())
    const row: TemplateVersionRow = {
      id: randomUUID(),
      template_id: version.templateId ?? null,
      organization_id: version.organizationId,
      created_at: now,
      updated_at: now,
      name: version.name ?? randomName(random),
      readme: '',
      job_id: randomUUID(),
      created_by: author.user_id,
    }
    try {
      await database.transaction(async (transaction) => {
        await jobs.enqueue(transaction, {
          id: row.job_id,
          organization_id: version.organizationId,
          initiator_id: author.user_id,
          provisioner: version.provisioner,
          type: 'template_version_import',
          file_id: version.fileId,
          tags: jobs.tagsFor(version.tags, author.user_id),
          input: {},
        })
        await this.#store.in(transaction).insert(row)
        await parameters.setValues(transaction, { scope: 'import_job', id: row.job_id }, version.parameterValues)
        await audit.record(transaction, author, {
          action: 'create',
          resource_type: 'template_version',
          resource_id: row.id,
          resource_target: row.name,
          organization_id: row.organization_id,
          after: row,
          status_code: 201,
        })
      })
    } catch (error) {
      if (violatedConstraint(error) === 'template_versions_template_id_name_key')
        throw new Failure('name_taken', {
          message: `The template already has a version named "${row.name}".`,
          validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
          cause: error,
        })
      throw error
    }
    return row.id
  }

  /**
   * Throws `template_version_importing` or `template_version_failed` unless the import has
   * succeeded (or is being canceled: Coder v2 API, v0.13.4).
   */
  async requireImported(id: string): Promise<void> {
    const { job } = await this.#store.getView(id)
    const status = jobStatus(job, this.#dependencies.clock.now())
    if (status === 'pending' || status === 'running')
      throw new Failure('template_version_importing', {
        message: `The provided template version is ${status}. Wait for it to complete importing!`,
      })
    if (status === 'failed')
      throw new Failure('template_version_failed', {
        message: `The provided template version has failed to import: ${JSON.stringify(job.error ?? '')}. You cannot build workspaces with it!`,
      })
    if (status === 'canceled')
      throw new Failure('template_version_failed', {
        message: 'The provided template version was canceled during import. You cannot build workspaces with it!',
      })
  }

  /** Adds a version to a template. */
  async attach(transaction: Transaction, id: string, templateId: string): Promise<void> {
    await this.#store.in(transaction).setTemplate(id, templateId, timestamp(this.#dependencies.clock.now()))
  }

  async cancel(version: TemplateVersionRow): Promise<void> {
    const { database, jobs } = this.#dependencies
    await database.transaction(async (transaction) => await jobs.cancel(transaction, version.job_id))
  }

  async schemas(version: TemplateVersionRow): Promise<ParameterSchemaRow[]> {
    await this.#requireCompleted(version)
    return await this.#dependencies.parameters.listSchemas(version.job_id)
  }

  async computedParameters(version: TemplateVersionRow): Promise<Computation[]> {
    await this.#requireCompleted(version)
    return await this.#dependencies.parameters.compute({ importJobId: version.job_id })
  }

  async resources(version: TemplateVersionRow): Promise<StoredResource[]> {
    await this.#requireCompleted(version)
    return await this.#store.listResources(version.job_id)
  }

  async answerLogs(
    version: TemplateVersionRow,
    query: LogQuery,
    accept: () => Promise<WebSocket>,
  ): Promise<ProvisionerJobLog[] | undefined> {
    return await this.#dependencies.jobs.answerLogs(version.job_id, query, accept)
  }

  async #requireCompleted(version: TemplateVersionRow): Promise<void> {
    const { job } = await this.#store.getView(version.id)
    if (job.completed_at === null) throw new Failure('job_not_completed')
  }

  /** Returns the archive to import and its provisioner. */
  async #requireSource(actor: Actor, request: CreateTemplateVersionRequest): Promise<Pick<NewVersion, 'fileId' | 'provisioner'>> {
    const { file_id, example_id } = request
    const hasFile = file_id !== undefined && file_id !== NIL_UUID
    if (example_id && hasFile) throw new Failure('invalid_template', { message: 'You cannot specify both an example_id and a file_id.' })
    if (example_id) return await this.#exampleSource(actor, example_id)
    const file = hasFile ? await this.#dependencies.files.find(file_id) : undefined
    if (file === undefined || !may(actor.permissions, 'read', { type: 'file', owner_id: file.created_by }))
      throw new Failure('file_not_found')
    return { fileId: file.id, provisioner: request.provisioner }
  }

  /**
   * Uploads an example as a file of the caller. Examples are native templates, whatever provisioner
   * the request names.
   */
  async #exampleSource(actor: Actor, exampleId: string): Promise<Pick<NewVersion, 'fileId' | 'provisioner'>> {
    const { examples, files } = this.#dependencies
    if (!may(actor.permissions, 'create', { type: 'file', owner_id: actor.user_id })) throw new Failure('forbidden')
    const data = await examples.findArchive(exampleId)
    if (data === undefined) throw new Failure('invalid_template', { message: 'Example not found.' })
    const { id } = await files.upload(actor.user_id, { data, mimetype: 'application/x-tar' })
    return { fileId: id, provisioner: 'berth' }
  }
}
