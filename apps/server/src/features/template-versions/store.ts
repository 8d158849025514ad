import { sql } from 'kysely'
import type { ProvisionerType } from '@berth/schema'
import type { Queries } from '../../database/database.ts'
import { jobJson, resourcesJson, type StoredJob, type StoredResource } from '../../database/wire-json.ts'
import type { TemplateVersionRow, UserRow } from '../../database/rows.ts'

/** A version with its import job and its creator. */
export interface TemplateVersionView extends TemplateVersionRow {
  readonly job: StoredJob
  readonly creator: Omit<UserRow, 'organization_ids' | 'hashed_password'>
}

/** The most versions of one name that are read in an organization. */
const MAX_NAMESAKES = 100

/** Template versions in the database. */
export class TemplateVersionStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): TemplateVersionStore {
    return new TemplateVersionStore(queries)
  }

  /** Returns a version with the provisioner of its import job. */
  async findById(id: string): Promise<(TemplateVersionRow & { provisioner: ProvisionerType }) | undefined> {
    return await this.#queries
      .selectFrom('template_versions as version')
      .innerJoin('provisioner_jobs as job', 'job.id', 'version.job_id')
      .selectAll('version')
      .select('job.provisioner')
      .where('version.id', '=', id)
      .executeTakeFirst()
  }

  async findByJob(jobId: string): Promise<TemplateVersionRow | undefined> {
    return await this.#queries.selectFrom('template_versions').selectAll().where('job_id', '=', jobId).executeTakeFirst()
  }

  async getView(id: string): Promise<TemplateVersionView> {
    return await this.#select().where('version.id', '=', id).executeTakeFirstOrThrow()
  }

  /** Returns versions, oldest first; undefined if there is no version with the ID `afterId`. */
  async listOfTemplate(
    templateId: string,
    page: { limit: number; offset: number; afterId: string | undefined },
  ): Promise<TemplateVersionView[] | undefined> {
    let query = this.#select()
      .where('version.template_id', '=', templateId)
      .orderBy('version.created_at')
      .orderBy('version.id')
      .offset(page.offset)
    if (page.limit > 0) query = query.limit(page.limit)
    if (page.afterId !== undefined) {
      const cursor = await this.findById(page.afterId)
      if (cursor === undefined) return undefined
      query = query.where(sql<boolean>`(version.created_at, version.id) > (${cursor.created_at}::timestamptz, ${cursor.id}::uuid)`)
    }
    return await query.execute()
  }

  async findByName(templateId: string, name: string): Promise<TemplateVersionRow | undefined> {
    return await this.#queries
      .selectFrom('template_versions')
      .selectAll()
      .where('template_id', '=', templateId)
      .where('name', '=', name)
      .executeTakeFirst()
  }

  /** Returns the versions of a name, newest first. Several templates may have one. */
  async listByName(organizationId: string, name: string): Promise<TemplateVersionRow[]> {
    return await this.#queries
      .selectFrom('template_versions')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where('name', '=', name)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(MAX_NAMESAKES)
      .execute()
  }

  /** Returns the previous version of the same template. */
  async findPrevious({ template_id, created_at, id }: TemplateVersionRow): Promise<TemplateVersionRow | undefined> {
    if (template_id === null) return undefined
    return await this.#queries
      .selectFrom('template_versions')
      .selectAll()
      .where('template_id', '=', template_id)
      .where(sql<boolean>`(created_at, id) < (${created_at}::timestamptz, ${id}::uuid)`)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
  }

  async insert(row: TemplateVersionRow): Promise<void> {
    await this.#queries.insertInto('template_versions').values(row).execute()
  }

  async setTemplate(id: string, templateId: string, now: string): Promise<void> {
    await this.#queries.updateTable('template_versions').set({ template_id: templateId, updated_at: now }).where('id', '=', id).execute()
  }

  async setReadme(jobId: string, readme: string, now: string): Promise<void> {
    await this.#queries.updateTable('template_versions').set({ readme, updated_at: now }).where('job_id', '=', jobId).execute()
  }

  async listResources(jobId: string): Promise<StoredResource[]> {
    const { rows } = await sql<{ resources: StoredResource[] }>`
      select ${resourcesJson('job.id')} as resources from provisioner_jobs job where job.id = ${jobId}`.execute(this.#queries)
    return rows[0]?.resources ?? []
  }

  #select() {
    return this.#queries
      .selectFrom('template_versions as version')
      .innerJoin('provisioner_jobs as job', 'job.id', 'version.job_id')
      .innerJoin('users as creator', 'creator.id', 'version.created_by')
      .selectAll('version')
      .select(jobJson('job').as('job'))
      .select(
        sql<TemplateVersionView['creator']>`json_build_object('id', creator.id, 'email', creator.email, 'username', creator.username,
          'created_at', wire_time(creator.created_at), 'updated_at', wire_time(creator.updated_at), 'last_seen_at', wire_time(creator.last_seen_at),
          'status', creator.status, 'rbac_roles', creator.rbac_roles, 'login_type', creator.login_type, 'avatar_url', creator.avatar_url,
          'deleted', creator.deleted)`.as('creator'),
      )
  }
}
