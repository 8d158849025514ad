import { sql, type RawBuilder } from 'kysely'
import type { VisibleCondition } from '../../access/visible.ts'
import { buildJoins, buildJson, type StoredBuild } from '../../database/build-json.ts'
import type { Queries } from '../../database/database.ts'
import { visibleSql } from '../../access/visible-sql.ts'
import type { WorkspaceRow } from '../../database/rows.ts'
import { filterSql, type WorkspaceFilter } from './filter-sql.ts'

/** A workspace with everything that the wire shows with it. */
export interface WorkspaceView extends WorkspaceRow {
  readonly owner_name: string
  readonly template_name: string
  readonly template_display_name: string
  readonly template_icon: string
  readonly template_allow_user_cancel_workspace_jobs: boolean
  readonly template_active_version_id: string
  readonly build: StoredBuild
}

export interface WorkspacePageQuery {
  readonly visible: VisibleCondition
  readonly filter: WorkspaceFilter
  readonly limit: number
  readonly offset: number
  readonly afterId: string | undefined
  /** Agents that last reported before this time count as disconnected. */
  readonly inactiveBefore: string
  readonly now: string
}

const VIEW = sql`
  workspace.*, owner.username as owner_name, template.name as template_name, template.display_name as template_display_name, template.icon as template_icon,
  template.allow_user_cancel_workspace_jobs as template_allow_user_cancel_workspace_jobs,
  template.active_version_id as template_active_version_id, ${buildJson} as build`

const JOINS = sql`
  join users owner on owner.id = workspace.owner_id
  join templates template on template.id = workspace.template_id
  join workspace_builds build on build.id = workspace.latest_build_id ${buildJoins}`

/**
 * Returns the number of matches. An unfiltered list uses the table `workspace_counts`, because
 * counting many rows is slow.
 */
function count({ visible, filter }: WorkspacePageQuery, matches: RawBuilder<boolean>): RawBuilder<number> {
  const isNarrowed = Object.values(filter).some((value) => value !== undefined && value.length > 0)
  if (!isNarrowed && visible.kind === 'all') return sql`(select coalesce(sum(living), 0)::bigint from workspace_counts)`
  const counted = sql<number>`(select count(*) from workspaces workspace where ${matches})`
  if (isNarrowed || visible.kind !== 'some' || visible.organizations.length === 0) return counted
  return sql`(
    (select coalesce(sum(living), 0)::bigint from workspace_counts where organization_id = any(${visible.organizations}::uuid[]))
    + (select count(*) from workspaces workspace where ${matches} and ${
      visible.own === undefined
        ? sql`false`
        : sql`workspace.owner_id = ${visible.own.user_id} and workspace.organization_id <> all(${visible.organizations}::uuid[])`
    }))`
}

/** Workspaces in the database. */
export class WorkspaceStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): WorkspaceStore {
    return new WorkspaceStore(queries)
  }

  /** Includes deleted workspaces. */
  async findById(id: string): Promise<WorkspaceRow | undefined> {
    return await this.#queries.selectFrom('workspaces').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** Like {@link findById}, but locks the row until the transaction ends. */
  async lock(id: string): Promise<WorkspaceRow | undefined> {
    return await this.#queries.selectFrom('workspaces').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
  }

  // Words instead of values below: the index of names is one of living workspaces, and a plan for
  // any value could not use it.
  async findByName(ownerId: string, name: string): Promise<WorkspaceRow | undefined> {
    return await this.#queries
      .selectFrom('workspaces')
      .selectAll()
      .where('owner_id', '=', ownerId)
      .where(sql`lower(name)`, '=', name.toLowerCase())
      .where(sql<boolean>`not deleted`)
      .executeTakeFirst()
  }

  /** The one that was created last. */
  async findDeletedByName(ownerId: string, name: string): Promise<WorkspaceRow | undefined> {
    return await this.#queries
      .selectFrom('workspaces')
      .selectAll()
      .where('owner_id', '=', ownerId)
      .where(sql`lower(name)`, '=', name.toLowerCase())
      .where(sql<boolean>`deleted`)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
  }

  async findView(id: string): Promise<WorkspaceView | undefined> {
    const { rows } = await sql<WorkspaceView>`select ${VIEW} from workspaces workspace ${JOINS} where workspace.id = ${id}`.execute(
      this.#queries,
    )
    return rows[0]
  }

  /**
   * Reads a page and the number of matches in one statement, and joins only the rows of the page. A
   * list without a limit is a different statement, so that its plan is never reused for a page.
   */
  async listPage(page: WorkspacePageQuery): Promise<{ views: WorkspaceView[]; count: number }> {
    const matches = this.#matches(page)
    const after =
      page.afterId === undefined
        ? sql`true`
        : sql`exists (
            select from workspaces cursor where cursor.id = ${page.afterId} and (
              workspace.last_used_at < cursor.last_used_at
              or (workspace.last_used_at = cursor.last_used_at and (workspace.name, workspace.id) > (cursor.name, cursor.id))))`
    const { rows } = await sql<WorkspaceView & { count: number }>`
      with page as materialized (
        select workspace.* from workspaces workspace where ${matches} and ${after}
        order by workspace.last_used_at desc, workspace.name, workspace.id
        ${page.limit > 0 ? sql`limit ${page.limit}` : sql``} offset ${page.offset}),
      total as materialized (select ${count(page, matches)} as count)
      select total.count, ${VIEW}
      from total left join (page workspace ${JOINS}) on true
      order by workspace.last_used_at desc, workspace.name, workspace.id`.execute(this.#queries)
    return { views: rows.filter((row) => row.id !== null), count: rows[0]?.count ?? 0 }
  }

  async insert(
    row: Pick<
      WorkspaceRow,
      'id' | 'created_at' | 'owner_id' | 'organization_id' | 'template_id' | 'name' | 'autostart_schedule' | 'ttl_ms'
    >,
  ): Promise<void> {
    await this.#queries
      .insertInto('workspaces')
      .values({ ...row, updated_at: row.created_at })
      .execute()
  }

  /** Returns false if the workspace is deleted. */
  async rename(id: string, name: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#queries
      .updateTable('workspaces')
      .set({ name })
      .where('id', '=', id)
      .where('deleted', '=', false)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  async update(
    id: string,
    change: Partial<Pick<WorkspaceRow, 'autostart_schedule' | 'ttl_ms' | 'last_used_at' | 'deleted'>>,
  ): Promise<void> {
    await this.#queries.updateTable('workspaces').set(change).where('id', '=', id).execute()
  }

  #matches({ visible, filter, now, inactiveBefore }: WorkspacePageQuery): RawBuilder<boolean> {
    return sql`not workspace.deleted
      and ${visibleSql(visible, { organization: 'workspace.organization_id', owner: 'workspace.owner_id' })}
      and ${filterSql(filter, { now, inactiveBefore })}`
  }
}
