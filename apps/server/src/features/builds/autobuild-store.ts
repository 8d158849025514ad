import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { WorkspaceRow } from '../../database/rows.ts'
import type { AutobuildStanding } from './autobuild-due.ts'

/** A workspace that may have to start or stop by itself, with what a build of it is made from. */
export interface AutobuildCandidate extends AutobuildStanding, Pick<WorkspaceRow, 'id' | 'organization_id' | 'owner_id'> {
  readonly build_number: number
  readonly template_version_id: string
  /** The job that imported the version. */
  readonly import_job_id: string
}

/** The workspaces that the autobuild loop has to look at, in the database. */
export class AutobuildStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): AutobuildStore {
    return new AutobuildStore(queries)
  }

  /**
   * Locks workspaces that have to be looked at by `until`, with their newest build, and passes over those that somebody else is changing. Both are locked and read as they then are, so an
   * extension that was made meanwhile counts.
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

  /** Notes when each workspace has to be looked at again; null: not before something about it changes. */
  async setDue(due: readonly { readonly id: string; readonly at: string | null }[]): Promise<void> {
    if (due.length === 0) return
    await sql`
      update workspaces set autobuild_due_at = due.at
      from unnest(${due.map(({ id }) => id)}::uuid[], ${due.map(({ at }) => at)}::timestamptz[]) as due (id, at)
      where workspaces.id = due.id`.execute(this.#queries)
  }
}
