import { sql } from 'kysely'
import type { VisibleCondition } from '../../access/visible.ts'
import type { Queries } from '../../database/database.ts'
import { visibleSql } from '../../access/visible-sql.ts'
import type { TemplateRow } from '../../database/rows.ts'

/** A template with the values that the wire shows with it. */
export interface TemplateView extends TemplateRow {
  readonly created_by_name: string
  readonly workspace_owner_count: number
}

/** The measured use of a template. */
export interface TemplateUse {
  readonly template_id: string
  /** The number of users who were active since the statistics begin. */
  readonly active_user_count: number
  /** Dates are like `2026-01-31`. Days without active users are left out. */
  readonly daily_active_users: readonly { readonly date: string; readonly amount: number }[]
  /** In milliseconds. Transitions without a successful build are left out. */
  readonly build_time_stats: Readonly<Partial<Record<'start' | 'stop' | 'delete', { P50: number | null; P95: number | null }>>>
}

/** The metadata of a template, which is changed as a whole. */
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

  /** Includes deleted templates. */
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

  /** Marks a template as deleted. Returns false if it has workspaces. */
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

  /**
   * Measures every template, from agent statistics since `activeSince` and builds started since
   * `builtSince`.
   */
  async measureUse({ activeSince, builtSince }: { readonly activeSince: string; readonly builtSince: string }): Promise<TemplateUse[]> {
    const { rows } = await sql<TemplateUse>`
      with active as (
        select distinct template_id, (created_at at time zone 'UTC')::date as date, user_id from agent_stats where created_at >= ${activeSince}),
      days as (select template_id, date, count(*) as amount from active group by template_id, date),
      activity as (
        select template_id, json_agg(json_build_object('date', date, 'amount', amount) order by date) as daily_active_users,
          (select count(distinct user_id) from active where active.template_id = days.template_id) as active_user_count
        from days group by template_id),
      durations as (
        select version.template_id, build.transition, extract(epoch from job.completed_at - job.started_at) * 1000 as ms
        from workspace_builds build
        join provisioner_jobs job on job.id = build.job_id
        join template_versions version on version.id = build.template_version_id
        where job.status = 'succeeded' and job.started_at >= ${builtSince}),
      times as (
        select template_id, transition,
          nullif(greatest(trunc(percentile_disc(0.5) within group (order by ms)), 0), 0) as p50,
          nullif(greatest(trunc(percentile_disc(0.95) within group (order by ms)), 0), 0) as p95
        from durations group by template_id, transition),
      build_times as (
        select template_id, json_object_agg(transition, json_build_object('P50', p50, 'P95', p95)) as build_time_stats from times group by template_id)
      select template.id as template_id, coalesce(active_user_count, 0)::integer as active_user_count,
        coalesce(daily_active_users, '[]') as daily_active_users, coalesce(build_time_stats, '{}') as build_time_stats
      from templates template
      left join activity on activity.template_id = template.id
      left join build_times on build_times.template_id = template.id
      where not template.deleted`.execute(this.#queries)
    return rows
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
