import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'

/** A finished job, as a position in the order of completion. */
export interface EndedJob {
  readonly id: string
  readonly completed_at: string
}

/** Deletes old records, a limited number of rows at a time, so that nothing waits for long. */
export class RetentionStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  async deleteExpiredKeys(before: string, limit: number): Promise<number> {
    return await this.#delete(sql`delete from api_keys where id in (
      select id from api_keys where expires_at < ${before} order by expires_at limit ${limit} for update skip locked)`)
  }

  async deleteAgentStats(before: string, limit: number): Promise<number> {
    return await this.#delete(sql`delete from agent_stats where id in (
      select id from agent_stats where created_at < ${before} order by created_at limit ${limit} for update skip locked)`)
  }

  async deleteAuditLogs(before: string, limit: number): Promise<number> {
    return await this.#delete(sql`delete from audit_logs where id in (
      select id from audit_logs where time < ${before} order by time limit ${limit} for update skip locked)`)
  }

  /** Deletes files that no job uses, and so no template version, build or dry run. */
  async deleteUnusedFiles(before: string, limit: number): Promise<number> {
    return await this.#delete(sql`delete from files where id in (
      select id from files where created_at < ${before} and not exists (select from provisioner_jobs job where job.file_id = files.id)
      order by created_at limit ${limit} for update skip locked)`)
  }

  /**
   * Lists jobs with logs that completed before an instant, oldest first, after a given job. Skips
   * jobs whose log people still read: those of each workspace's latest build, and of the active and
   * the newest version of each template.
   */
  async listEndedJobs(page: { before: string; after: EndedJob | undefined; limit: number }): Promise<EndedJob[]> {
    const { before, after, limit } = page
    const isBehind = after === undefined ? sql`true` : sql`(job.completed_at, job.id) > (${after.completed_at}, ${after.id}::uuid)`
    const { rows } = await sql<EndedJob>`
      select job.id, job.completed_at from provisioner_jobs job
      where job.completed_at is not null and job.completed_at < ${before} and ${isBehind}
        and exists (select from provisioner_job_logs log where log.job_id = job.id)
        and not exists (select from workspaces where workspaces.latest_job_id = job.id and not workspaces.deleted)
        and not exists (
          select from template_versions version join templates on templates.id = version.template_id
          where version.job_id = job.id and not templates.deleted
            and (templates.active_version_id = version.id or not exists (
              select from template_versions newer where newer.template_id = version.template_id
                and (newer.created_at, newer.id) > (version.created_at, version.id))))
      order by job.completed_at, job.id limit ${limit}`.execute(this.#queries)
    return rows
  }

  async deleteJobLogs(jobIds: readonly string[], limit: number): Promise<number> {
    return await this.#delete(sql`delete from provisioner_job_logs where id in (
      select id from provisioner_job_logs where job_id = any(${jobIds}::uuid[]) limit ${limit})`)
  }

  async #delete(statement: ReturnType<typeof sql>): Promise<number> {
    const { numAffectedRows } = await statement.execute(this.#queries)
    return Number(numAffectedRows ?? 0)
  }
}
