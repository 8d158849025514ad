import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'

/** What a user spends on workspaces, and may spend. */
export interface Quota {
  readonly credits_consumed: number
  readonly budget: number
}

/** A build that needs credits. */
export interface QuotaBuild {
  readonly id: string
  readonly owner_id: string
  /** The cost of the workspace's previous build; 0 when there is none. */
  readonly previous_cost: number
}

/** Credits in the database. */
export class QuotaStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): QuotaStore {
    return new QuotaStore(queries)
  }

  /**
   * Sums the newest builds of the user's workspaces, and the allowances of the user's groups with
   * the everyone group.
   */
  async get(userId: string): Promise<Quota> {
    const { rows } = await sql<Quota>`
      select
        (select coalesce(sum(build.daily_cost), 0)::bigint from workspaces join workspace_builds build on build.id = workspaces.latest_build_id
          where workspaces.owner_id = ${userId} and not workspaces.deleted) as credits_consumed,
        (select coalesce(sum(groups.quota_allowance), 0)::bigint from groups where groups.id in (
          select group_id from group_members where user_id = ${userId}
          union select organization_id from organization_members where user_id = ${userId})) as budget`.execute(this.#queries)
    return rows[0] ?? { credits_consumed: 0, budget: 0 }
  }

  /** Blocks other transactions that commit credits for the user until this one ends. */
  async lockUser(userId: string): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtextextended('berth: quota of ' || ${userId}::text, 0))`.execute(this.#queries)
  }

  async findBuild(jobId: string): Promise<QuotaBuild | undefined> {
    const { rows } = await sql<QuotaBuild>`
      select build.id, workspaces.owner_id, coalesce(previous.daily_cost, 0) as previous_cost
      from workspace_builds build
      join workspaces on workspaces.id = build.workspace_id
      left join workspace_builds previous on previous.workspace_id = build.workspace_id and previous.build_number = build.build_number - 1
      where build.job_id = ${jobId}`.execute(this.#queries)
    return rows[0]
  }

  async setCost(buildId: string, dailyCost: number): Promise<void> {
    await this.#queries.updateTable('workspace_builds').set({ daily_cost: dailyCost }).where('id', '=', buildId).execute()
  }
}
