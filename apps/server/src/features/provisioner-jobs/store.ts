import type { LogQuery, ProvisionerJobLog, ProvisionerType } from '@berth/schema'
import type { JobLog } from '@berth/provisioner'

import { sql } from 'kysely'
import { timestamp } from '../../clock.ts'
import type { Queries } from '../../database/database.ts'
import type { JobRow } from '../../database/rows.ts'
import { storableLog } from './log-limits.ts'

export type { JobRow }

/** A job to put into the queue. */
export type NewJob = Pick<JobRow, 'id' | 'organization_id' | 'initiator_id' | 'provisioner' | 'type' | 'file_id' | 'tags'> & {
  readonly input: Readonly<Record<string, unknown>>
}

/** The job queue in the database. */
export class JobStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): JobStore {
    return new JobStore(queries)
  }

  async insertAll(jobs: readonly NewJob[], now: string): Promise<void> {
    const columns = {
      id: jobs.map((job) => job.id),
      organization_id: jobs.map((job) => job.organization_id),
      initiator_id: jobs.map((job) => job.initiator_id),
      provisioner: jobs.map((job) => job.provisioner),
      type: jobs.map((job) => job.type),
      file_id: jobs.map((job) => job.file_id),
      tags: jobs.map((job) => JSON.stringify(job.tags)),
      input: jobs.map((job) => JSON.stringify(job.input)),
    }
    await sql`
      insert into provisioner_jobs (id, created_at, updated_at, organization_id, initiator_id, provisioner, type, file_id, tags, input)
      select job.id, ${now}, ${now}, job.organization_id, job.initiator_id, job.provisioner, job.type, job.file_id, job.tags, job.input
      from unnest(${columns.id}::uuid[], ${columns.organization_id}::uuid[], ${columns.initiator_id}::uuid[], ${columns.provisioner}::provisioner_type[],
        ${columns.type}::provisioner_job_type[], ${columns.file_id}::uuid[], ${columns.tags}::jsonb[], ${columns.input}::jsonb[])
        as job (id, organization_id, initiator_id, provisioner, type, file_id, tags, input)`.execute(this.#queries)
  }

  /** Assigns the oldest job that the daemon may run to it, and returns the job. */
  async acquire(worker: {
    id: string
    provisioners: readonly ProvisionerType[]
    tags: Record<string, string>
    now: string
  }): Promise<JobRow | undefined> {
    const { rows } = await sql<JobRow>`
      update provisioner_jobs set started_at = ${worker.now}, updated_at = ${worker.now}, worker_id = ${worker.id}
      where id = (
        select id from provisioner_jobs
        where started_at is null and canceled_at is null and completed_at is null
          and provisioner = any(${worker.provisioners}::provisioner_type[]) and tags <@ ${JSON.stringify(worker.tags)}::jsonb
        order by created_at, id limit 1 for update skip locked)
      returning *`.execute(this.#queries)
    return rows[0]
  }

  async listByIds(ids: readonly string[]): Promise<JobRow[]> {
    return await this.#queries
      .selectFrom('provisioner_jobs')
      .selectAll()
      .where('id', '=', sql<string>`any(${ids}::uuid[])`)
      .execute()
  }

  async findById(id: string): Promise<JobRow | undefined> {
    return await this.#queries.selectFrom('provisioner_jobs').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /**
   * Records a heartbeat. Returns undefined if the job does not belong to the worker, or no longer.
   */
  async beat(job: { id: string; workerId: string; now: string }): Promise<{ canceled: boolean } | undefined> {
    const { rows } = await sql<{ canceled: boolean }>`
      update provisioner_jobs set updated_at = ${job.now} where id = ${job.id} and worker_id = ${job.workerId} and completed_at is null
      returning canceled_at is not null as canceled`.execute(this.#queries)
    return rows[0]
  }

  /** Ends a job. Returns false if it has already ended, or does not belong to the worker. */
  async complete(job: { id: string; workerId: string; error: string | null; now: string }): Promise<boolean> {
    const { numUpdatedRows } = await this.#queries
      .updateTable('provisioner_jobs')
      .set({ completed_at: job.now, updated_at: job.now, error: job.error })
      .where('id', '=', job.id)
      .where('worker_id', '=', job.workerId)
      .where('completed_at', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  /**
   * Cancels a job. One that has not started ends at once. Returns undefined if the job has ended or
   * has been canceled before.
   */
  async cancel(id: string, now: string): Promise<JobRow | undefined> {
    return await this.#queries
      .updateTable('provisioner_jobs')
      .set({ canceled_at: now, completed_at: sql`case when started_at is null then ${now}::timestamptz end` })
      .where('id', '=', id)
      .where('completed_at', 'is', null)
      .where('canceled_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
  }

  /**
   * Returns the running jobs whose worker has been silent since `before`, with the worker's server.
   */
  async listSilent(before: string): Promise<(JobRow & { replica_id: string | null })[]> {
    return await this.#queries
      .selectFrom('provisioner_jobs as job')
      .leftJoin('provisioner_daemons as daemon', 'daemon.id', 'job.worker_id')
      .selectAll('job')
      .select('daemon.replica_id')
      .where('job.started_at', 'is not', null)
      .where('job.completed_at', 'is', null)
      .where('job.updated_at', '<', before)
      .execute()
  }

  /**
   * Fails a job that has been silent since `before`. Returns false if it has ended or its worker
   * has reported since.
   */
  async failSilent(job: { id: string; before: string; error: string; now: string }): Promise<boolean> {
    const { numUpdatedRows } = await this.#queries
      .updateTable('provisioner_jobs')
      .set({ completed_at: job.now, updated_at: job.now, error: job.error })
      .where('id', '=', job.id)
      .where('completed_at', 'is', null)
      .where('updated_at', '<', job.before)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  async insertLogs(jobId: string, logs: readonly JobLog[]): Promise<void> {
    const storable = logs.map(storableLog)
    const columns = {
      created_at: logs.map((log) => timestamp(log.created_at)),
      source: logs.map((log) => log.source),
      level: logs.map((log) => log.level),
      stage: storable.map(({ stage }) => stage),
      output: storable.map(({ output }) => output),
    }
    await sql`
      insert into provisioner_job_logs (job_id, created_at, source, level, stage, output)
      select ${jobId}, log.created_at, log.source, log.level, log.stage, log.output
      from unnest(${columns.created_at}::timestamptz[], ${columns.source}::log_source[], ${columns.level}::log_level[],
        ${columns.stage}::text[], ${columns.output}::text[]) with ordinality as log (created_at, source, level, stage, output, position)
      order by log.position`.execute(this.#queries)
  }

  /**
   * Returns entries in order. `after` and `before` are exclusive IDs. 0 and absent mean no bound.
   */
  async listLogs(
    jobId: string,
    { after = 0, before = 0 }: Pick<LogQuery, 'after' | 'before'>,
    limit?: number,
  ): Promise<ProvisionerJobLog[]> {
    let query = this.#queries
      .selectFrom('provisioner_job_logs')
      .select(['id', 'created_at', 'source as log_source', 'level as log_level', 'stage', 'output'])
      .where('job_id', '=', jobId)
      .orderBy('id')
    if (after > 0) query = query.where('id', '>', after)
    if (before > 0) query = query.where('id', '<', before)
    if (limit !== undefined) query = query.limit(limit)
    return await query.execute()
  }

  async insertDaemon(daemon: {
    id: string
    name: string
    provisioners: readonly ProvisionerType[]
    tags: Record<string, string>
    replica_id: string
    now: string
  }): Promise<void> {
    const { now, provisioners, tags, ...row } = daemon
    await this.#queries
      .insertInto('provisioner_daemons')
      .values({ ...row, provisioners: [...provisioners], tags: sql`${JSON.stringify(tags)}::jsonb`, created_at: now, updated_at: now })
      .execute()
  }
}
