import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { WorkspaceRow } from '../../database/rows.ts'
import type { AutobuildStanding } from './autobuild-due.ts'

/** A workspace that may be due, with the values for its build. */
export interface AutobuildCandidate extends AutobuildStanding, Pick<WorkspaceRow, 'id' | 'organization_id' | 'owner_id'> {
  readonly build_number: number
  readonly template_version_id: string
  /** The import job of the version. */
  readonly import_job_id: string
}

/** The due times of workspaces in the database. */
export class AutobuildStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): AutobuildStore {
    return new AutobuildStore(queries)
  }

  /**
   * Locks and returns workspaces that are due by `until`, with their latest build. Skips those that
   * another transaction has locked. The rows are read after they are locked, so a concurrent
   * extension counts.
   */
  async lockDue(page: {
    readonly until: string
    readonly limit: number
    readonly except: readonly string[]
  }): Promise<AutobuildCandidate[]> {
    const { rows } = await sql<AutobuildCandidate>`
      select workspace.id, workspace.organization_id, workspace.owner_id, workspace.autostart_schedule, workspace.ttl_ms,
        build.build_number, build.transition, build.created_at, build.deadline, build.template_version_id, version.job_id as import_job_id
      from workspaces workspace
      join workspace_builds build on build.id = workspace.latest_build_id
      join template_versions version on version.id = build.template_version_id
      where workspace.autobuild_due_at <= ${page.until} and not workspace.deleted
        and workspace.latest_job_status in ('succeeded', 'canceled') and workspace.id <> all(${page.except}::uuid[])
      order by workspace.autobuild_due_at limit ${page.limit}
      for update of workspace, build skip locked`.execute(this.#queries)
    return rows
  }

  /** Stores when each workspace is due next. Null means not until the workspace changes. */
  async setDue(due: readonly { readonly id: string; readonly at: string | null }[]): Promise<void> {
    if (due.length === 0) return
    await sql`
      update workspaces set autobuild_due_at = due.at
      from unnest(${due.map(({ id }) => id)}::uuid[], ${due.map(({ at }) => at)}::timestamptz[]) as due (id, at)
      where workspaces.id = due.id`.execute(this.#queries)
  }
}
