import { sql } from 'kysely'
import { buildJoins, buildJson, type StoredBuild } from '../../database/build-json.ts'
import type { Queries } from '../../database/database.ts'
import type { BuildRow } from '../../database/rows.ts'
import { placeOf, type SecretBox } from '../../secrets/secret-box.ts'
import type { BuildNames } from './present.ts'

const COLUMNS = [
  'id',
  'created_at',
  'updated_at',
  'workspace_id',
  'template_version_id',
  'build_number',
  'transition',
  'initiator_id',
  'job_id',
  'deadline',
  'reason',
  'daily_cost',
] as const

/** A build with the names of its workspace and owner. */
export interface BuildView extends BuildNames {
  readonly build: StoredBuild
}

/** A build to store. Its number is the workspace's next. */
export interface NewBuild extends Pick<
  BuildRow,
  'id' | 'created_at' | 'workspace_id' | 'template_version_id' | 'build_number' | 'transition' | 'initiator_id' | 'job_id' | 'reason'
> {
  /** The initial state. `previous` copies the state of the previous build. */
  readonly state: Buffer | 'previous'
}

const VIEW = sql`
  workspace.name as workspace_name, workspace.owner_id as workspace_owner_id, owner.username as workspace_owner_name, ${buildJson} as build
  from workspace_builds build
  join workspaces workspace on workspace.id = build.workspace_id
  join users owner on owner.id = workspace.owner_id ${buildJoins}`

/** Builds in the database. */
export class BuildStore {
  readonly #queries: Queries
  readonly #secrets: SecretBox

  /** @param secrets Encrypts the state of the provisioner, which may contain credentials. */
  constructor(queries: Queries, secrets: SecretBox) {
    this.#queries = queries
    this.#secrets = secrets
  }

  in(queries: Queries): BuildStore {
    return new BuildStore(queries, this.#secrets)
  }

  async findById(id: string): Promise<BuildRow | undefined> {
    return await this.#queries.selectFrom('workspace_builds').select(COLUMNS).where('id', '=', id).executeTakeFirst()
  }

  async findByJob(jobId: string): Promise<BuildRow | undefined> {
    return await this.#queries.selectFrom('workspace_builds').select(COLUMNS).where('job_id', '=', jobId).executeTakeFirst()
  }

  async findByNumber(workspaceId: string, buildNumber: number): Promise<BuildRow | undefined> {
    return await this.#queries
      .selectFrom('workspace_builds')
      .select(COLUMNS)
      .where('workspace_id', '=', workspaceId)
      .where('build_number', '=', buildNumber)
      .executeTakeFirst()
  }

  async getView(id: string): Promise<BuildView> {
    const { rows } = await sql<BuildView>`select ${VIEW} where build.id = ${id}`.execute(this.#queries)
    const [view] = rows
    if (view === undefined) throw new Error(`build ${id} is gone`)
    return view
  }

  /** Newest first. */
  async listOfWorkspace(
    workspaceId: string,
    page: { limit: number; offset: number; before: number | undefined; since: string | undefined },
  ): Promise<BuildView[]> {
    const { rows } = await sql<BuildView>`
      select ${VIEW} where build.workspace_id = ${workspaceId}
        and ${page.since === undefined ? sql`true` : sql`build.created_at > ${page.since}`}
        and ${page.before === undefined ? sql`true` : sql`build.build_number < ${page.before}`}
      order by build.build_number desc
      limit ${page.limit > 0 ? page.limit : null} offset ${page.offset}`.execute(this.#queries)
    return rows
  }

  async insertAll(builds: readonly NewBuild[]): Promise<void> {
    const columns = {
      id: builds.map((build) => build.id),
      created_at: builds.map((build) => build.created_at),
      workspace_id: builds.map((build) => build.workspace_id),
      template_version_id: builds.map((build) => build.template_version_id),
      build_number: builds.map((build) => build.build_number),
      transition: builds.map((build) => build.transition),
      initiator_id: builds.map((build) => build.initiator_id),
      job_id: builds.map((build) => build.job_id),
      reason: builds.map((build) => build.reason),
      state: builds.map((build) => (build.state === 'previous' ? null : this.#secrets.seal(build.state, placeOfState(build.workspace_id)))),
    }
    await sql`
      insert into workspace_builds (id, created_at, updated_at, workspace_id, template_version_id, build_number, transition, initiator_id, job_id, reason,
        provisioner_state)
      select build.id, build.created_at, build.created_at, build.workspace_id, build.template_version_id, build.build_number, build.transition,
        build.initiator_id, build.job_id, build.reason, coalesce(build.state, previous.provisioner_state)
      from unnest(${columns.id}::uuid[], ${columns.created_at}::timestamptz[], ${columns.workspace_id}::uuid[], ${columns.template_version_id}::uuid[],
        ${columns.build_number}::integer[], ${columns.transition}::workspace_transition[], ${columns.initiator_id}::uuid[], ${columns.job_id}::uuid[],
        ${columns.reason}::build_reason[], ${columns.state}::bytea[])
        as build (id, created_at, workspace_id, template_version_id, build_number, transition, initiator_id, job_id, reason, state)
      left join workspace_builds previous on build.state is null
        and previous.workspace_id = build.workspace_id and previous.build_number = build.build_number - 1`.execute(this.#queries)
  }

  async getState(id: string): Promise<Buffer> {
    const row = await this.#queries
      .selectFrom('workspace_builds')
      .select(['provisioner_state', 'workspace_id'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return row.provisioner_state === null ? Buffer.alloc(0) : this.#secrets.open(row.provisioner_state, placeOfState(row.workspace_id))
  }

  async update(
    { id, workspace_id }: Pick<BuildRow, 'id' | 'workspace_id'>,
    change: { deadline?: string; provisioner_state?: Buffer; updated_at?: string; daily_cost?: number },
  ): Promise<void> {
    const { provisioner_state: state, ...rest } = change
    const sealed = state === undefined ? {} : { provisioner_state: this.#secrets.seal(state, placeOfState(workspace_id)) }
    await this.#queries
      .updateTable('workspace_builds')
      .set({ ...rest, ...sealed })
      .where('id', '=', id)
      .execute()
  }

  /** Returns when the job of a build ended; null if it has not. */
  async getCompletedAt(jobId: string): Promise<string | null> {
    const { completed_at } = await this.#queries
      .selectFrom('provisioner_jobs')
      .select('completed_at')
      .where('id', '=', jobId)
      .executeTakeFirstOrThrow()
    return completed_at
  }
}

/**
 * The place names the workspace, not the build, because builds copy the encrypted state of the
 * previous one.
 */
function placeOfState(workspaceId: string): string {
  return placeOf('workspace_builds', 'provisioner_state', workspaceId)
}
