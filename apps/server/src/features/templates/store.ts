import { sql } from 'kysely'
import type { VisibleCondition } from '../../access/visible.ts'
import type { Queries } from '../../database/database.ts'
import { visibleSql } from '../../access/visible-sql.ts'
import type { TemplateRow } from '../../found.ts'

/** A template with what the wire shows of its neighbours. */
export interface TemplateView extends TemplateRow {
  readonly created_by_name: string
  readonly workspace_owner_count: number
}

/** What can be changed of a template at once. */
export type TemplateMeta = Pick<
  TemplateRow,
  'name' | 'display_name' | 'description' | 'icon' | 'default_ttl_ms' | 'allow_user_cancel_workspace_jobs'
>

/** Templates in the database. */
export class TemplateStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): TemplateStore {
    return new TemplateStore(queries)
  }

  /** Deleted ones included. */
  async findById(id: string): Promise<TemplateRow | undefined> {
    return await this.#queries.selectFrom('templates').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findByName(organizationId: string, name: string): Promise<TemplateRow | undefined> {
    return await this.#queries
      .selectFrom('templates')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where(sql`lower(name)`, '=', name.toLowerCase())
      .where('deleted', '=', false)
      .executeTakeFirst()
  }

  async getView(id: string): Promise<TemplateView> {
    return await this.#select().where('template.id', '=', id).executeTakeFirstOrThrow()
  }

  async listOfOrganization(organizationId: string, visible: VisibleCondition): Promise<TemplateView[]> {
    return await this.#select()
      .where('template.organization_id', '=', organizationId)
      .where('template.deleted', '=', false)
      .where(
        visibleSql(visible, { organization: 'template.organization_id', userAcl: 'template.user_acl', groupAcl: 'template.group_acl' }),
      )
      .orderBy('template.name')
      .orderBy('template.id')
      .execute()
  }

  async insert(row: TemplateRow): Promise<void> {
    await this.#queries
      .insertInto('templates')
      .values({
        ...row,
        user_acl: sql`${JSON.stringify(row.user_acl)}::jsonb`,
        group_acl: sql`${JSON.stringify(row.group_acl)}::jsonb`,
      })
      .execute()
  }

  async updateMeta(id: string, fields: TemplateMeta, now: string): Promise<void> {
    await this.#queries
      .updateTable('templates')
      .set({ ...fields, updated_at: now })
      .where('id', '=', id)
      .execute()
  }

  async setActiveVersion(id: string, versionId: string, now: string): Promise<void> {
    await this.#queries.updateTable('templates').set({ active_version_id: versionId, updated_at: now }).where('id', '=', id).execute()
  }

  /** Marks a template as deleted. False: it has workspaces. */
  async markDeleted(id: string, now: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#queries
      .updateTable('templates')
      .set({ deleted: true, updated_at: now })
      .where('id', '=', id)
      .where(sql<boolean>`not exists (select from workspaces where workspaces.template_id = templates.id and not workspaces.deleted)`)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  async listWorkspaceIds(id: string): Promise<string[]> {
    const rows = await this.#queries
      .selectFrom('workspaces')
      .select('id')
      .where('template_id', '=', id)
      .where('deleted', '=', false)
      .execute()
    return rows.map((row) => row.id)
  }

  #select() {
    return this.#queries
      .selectFrom('templates as template')
      .innerJoin('users as creator', 'creator.id', 'template.created_by')
      .selectAll('template')
      .select('creator.username as created_by_name')
      .select(
        sql<number>`(select count(distinct workspace.owner_id) from workspaces workspace
          where workspace.template_id = ${sql.ref('template.id')} and not workspace.deleted)`.as('workspace_owner_count'),
      )
  }
}
