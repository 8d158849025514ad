import type { AgentStats } from '@berth/schema'
import { randomUUID } from 'node:crypto'
import { sql, type RawBuilder } from 'kysely'
import type { Queries } from '../../database/database.ts'
import { agentJson, agentLastHeardOf, type StoredAgent } from '../../database/wire-json.ts'
import type { AgentRow, WorkspaceRow } from '../../database/rows.ts'
import { agentStanding, type AgentCaller, type AgentStanding, type AgentWorkspace } from './agent-standing.ts'

/**
 * How long activity keeps a workspace running, counted from the activity (Coder v2 API, v0.13.4).
 */
const ACTIVITY_BUMP_MS = 60 * 60_000
/**
 * The deadline moves only once it is this near, so that steady traffic writes it every 10 minutes
 * at most.
 */
const BUMP_WITHIN_MS = ACTIVITY_BUMP_MS - 10 * 60_000

/** An agent with what it belongs to. */
export interface AgentPlace {
  readonly agent: AgentRow
  /** False for agents of a template version's import. */
  readonly is_of_build: boolean
  readonly workspace: WorkspaceRow | null
}

/** How an agent connects: Berth's own with a tunnel, the reference's by coordination. */
export type ConnectsBy = 'tunnel' | 'coordination'

/** How an agent is connected, and what is known of the replica it is connected to. */
export interface StoredConnection {
  readonly connected_replica_id: string | null
  readonly connects_by: string | null
  /** Null: the replica doesn't say how to reach it. */
  readonly relay_url: string | null
  /** Null: there is no such replica, or none that says so. */
  readonly is_alive: boolean | null
}

/** An agent, and what its token is good for. */
export interface JudgedAgent extends AgentCaller {
  readonly standing: AgentStanding
  /** False for agents of template imports and dry runs. */
  readonly is_of_build: boolean
}

/** Reads and writes agents in the database. */
export class AgentStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): AgentStore {
    return new AgentStore(queries)
  }

  /** Returns the agent with a token; the most recently created one when several share it. */
  async findByToken(hashedToken: Buffer): Promise<JudgedAgent | undefined> {
    return await this.#findNewest('hashed_auth_token', hashedToken)
  }

  /** Returns the agent on a machine; the most recently created one when several share it. */
  async findByInstance(instanceId: string): Promise<JudgedAgent | undefined> {
    return await this.#findNewest('auth_instance_id', instanceId)
  }

  async #findNewest(column: 'hashed_auth_token' | 'auth_instance_id', value: Buffer | string): Promise<JudgedAgent | undefined> {
    const row = await joinOwner(this.#queries)
      .selectAll('agent')
      .select([
        'job.type as job_type',
        'workspace.id as workspace_id',
        'workspace.name as workspace_name',
        'workspace.owner_id',
        'workspace.template_id',
        'owner.username as owner_name',
        agentStanding.as('standing'),
      ])
      .where(`agent.${column}`, '=', value)
      .orderBy('agent.created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (row === undefined) return undefined
    const { job_type, workspace_id: id, workspace_name: name, owner_id, template_id, owner_name, standing, ...agent } = row
    const belongs = id !== null && name !== null && owner_id !== null && template_id !== null && owner_name !== null
    return {
      agent,
      workspace: belongs ? { id, name, owner_id, template_id, owner_name } : null,
      standing,
      is_of_build: job_type === 'workspace_build',
    }
  }

  /** Returns what the tokens of agents are good for. Agents that no longer exist are left out. */
  async listStandings(ids: readonly string[]): Promise<{ id: string; standing: AgentStanding }[]> {
    return await joinOwner(this.#queries)
      .select(['agent.id', agentStanding.as('standing')])
      .where('agent.id', '=', sql<string>`any(${ids}::uuid[])`)
      .execute()
  }

  async findPlace(id: string): Promise<AgentPlace | undefined> {
    const agent = await this.#queries.selectFrom('workspace_agents').selectAll().where('id', '=', id).executeTakeFirst()
    if (agent === undefined) return undefined
    const row = await this.#queries
      .selectFrom('workspace_resources as resource')
      .innerJoin('provisioner_jobs as job', 'job.id', 'resource.job_id')
      .leftJoin('workspace_builds as build', 'build.job_id', 'job.id')
      .select(['job.type', 'build.workspace_id'])
      .where('resource.id', '=', agent.resource_id)
      .executeTakeFirst()
    const workspace =
      row === undefined || row.workspace_id === null
        ? undefined
        : await this.#queries.selectFrom('workspaces').selectAll().where('id', '=', row.workspace_id).executeTakeFirst()
    return {
      agent,
      is_of_build: row?.type === 'workspace_build',
      workspace: workspace ?? null,
    }
  }

  async getView(id: string): Promise<StoredAgent> {
    const { rows } = await sql<{
      agent: StoredAgent
    }>`select ${agentJson} as agent from workspace_agents agent where agent.id = ${id}`.execute(this.#queries)
    const [row] = rows
    if (row === undefined) throw new Error(`agent ${id} no longer exists`)
    return row.agent
  }

  /** Returns how and to which replica an agent is connected. */
  async findConnection(id: string): Promise<StoredConnection | undefined> {
    // Whoever gets the lock of a replica knows that it has died. It is given back at once.
    return await this.#queries
      .selectFrom('workspace_agents as agent')
      .leftJoin('replicas as replica', 'replica.id', 'agent.connected_replica_id')
      .select(['agent.connected_replica_id', 'agent.connects_by', 'replica.relay_url'])
      .select(sql<boolean | null>`not pg_try_advisory_xact_lock_shared(replica.lock_number)`.as('is_alive'))
      .where('agent.id', '=', id)
      .executeTakeFirst()
  }

  async setVersion(id: string, version: string, now: string): Promise<void> {
    await this.#queries.updateTable('workspace_agents').set({ version, updated_at: now }).where('id', '=', id).execute()
  }

  async connected(
    id: string,
    { replicaId, connectsBy }: { readonly replicaId: string; readonly connectsBy: ConnectsBy },
    now: string,
  ): Promise<void> {
    await this.#queries
      .updateTable('workspace_agents')
      .set({
        first_connected_at: sql`coalesce(first_connected_at, ${now}::timestamptz)`,
        last_connected_at: now,
        updated_at: now,
        connected_replica_id: replicaId,
        connects_by: connectsBy,
      })
      .where('id', '=', id)
      .execute()
  }

  async disconnected(id: string, replicaId: string, now: string): Promise<void> {
    await sql`update workspace_agents agent set ${leaves(now)} where id = ${id} and connected_replica_id = ${replicaId}`.execute(
      this.#queries,
    )
  }

  /**
   * Records that a replica and its agents are alive. Writes one row, however many agents there are,
   * and corrects agents whose connection or disconnection could not be stored before.
   */
  async beat(ids: readonly string[], replicaId: string, now: string): Promise<void> {
    await sql`
      with here as materialized (select id from unnest(${ids}::uuid[]) here (id)),
      beat as (
        insert into replica_beats as known (replica_id, beat_at) values (${replicaId}, ${now})
        on conflict (replica_id) do update set beat_at = greatest(known.beat_at, excluded.beat_at)),
      unnoticed as (
        update workspace_agents set last_connected_at = ${now}, updated_at = ${now}, connected_replica_id = ${replicaId},
          first_connected_at = coalesce(first_connected_at, ${now}::timestamptz)
        where id in (select id from here) and connected_replica_id is null)
      update workspace_agents agent set ${leaves(now)}
      where connected_replica_id = ${replicaId} and last_connected_at < ${now} and not exists (select from here where here.id = agent.id)`.execute(
      this.#queries,
    )
  }

  /**
   * Deletes replicas that stopped before an instant. Their agents keep the time they were last
   * seen.
   */
  async deleteReplicas(stoppedBefore: string): Promise<void> {
    await sql`
      with gone as (delete from replica_beats where beat_at < ${stoppedBefore} returning replica_id, beat_at)
      update workspace_agents agent set last_connected_at = greatest(last_connected_at, gone.beat_at), connected_replica_id = null
      from gone where agent.connected_replica_id = gone.replica_id`.execute(this.#queries)
  }

  async setAppHealth(agentId: string, appId: string, health: 'initializing' | 'healthy' | 'unhealthy'): Promise<void> {
    await this.#queries.updateTable('workspace_apps').set({ health }).where('agent_id', '=', agentId).where('id', '=', appId).execute()
  }

  async findLastStats(agentId: string): Promise<AgentStats | undefined> {
    const row = await this.#queries
      .selectFrom('agent_stats')
      .select('payload')
      .where('agent_id', '=', agentId)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    // Only validated reports are stored.
    return row?.payload as AgentStats | undefined
  }

  /**
   * Stores a traffic report, records that the workspace was used, and extends a deadline that is
   * near.
   */
  async insertStats(
    place: { agent: AgentRow; workspace: AgentWorkspace },
    payload: AgentStats,
    now: Date,
    text: (instant: number) => string,
  ): Promise<void> {
    const { agent, workspace } = place
    const instant = now.getTime()
    await this.#queries
      .insertInto('agent_stats')
      .values({
        id: randomUUID(),
        created_at: text(instant),
        user_id: workspace.owner_id,
        agent_id: agent.id,
        workspace_id: workspace.id,
        template_id: workspace.template_id,
        payload: JSON.stringify(payload),
      })
      .execute()
    await this.#queries
      .updateTable('workspaces')
      .set({ last_used_at: text(instant) })
      .where('id', '=', workspace.id)
      .execute()
    await sql`
      update workspace_builds build set deadline = ${text(instant + ACTIVITY_BUMP_MS)}, updated_at = ${text(instant)}
      from workspaces workspace
      where workspace.id = ${workspace.id} and build.id = workspace.latest_build_id and workspace.latest_job_status = 'succeeded'
        and build.transition = 'start' and build.deadline > '0001-01-01T00:00:00Z' and build.deadline < ${text(instant + BUMP_WITHIN_MS)}`.execute(
      this.#queries,
    )
  }
}

/**
 * The assignments that mark the agent in the alias `agent` as disconnected. Its disconnection is
 * later than the last time it was seen, or it would still count as connected.
 */
function leaves(now: string): RawBuilder<unknown> {
  return sql`
    last_connected_at = ${agentLastHeardOf}, updated_at = ${now}, connected_replica_id = null,
    disconnected_at = greatest(${now}::timestamptz, ${agentLastHeardOf} + interval '1 microsecond')`
}

/**
 * Joins each agent, as `agent`, with its job, and with its build, workspace and owner if it has
 * them.
 */
function joinOwner(queries: Queries) {
  return queries
    .selectFrom('workspace_agents as agent')
    .innerJoin('workspace_resources as resource', 'resource.id', 'agent.resource_id')
    .innerJoin('provisioner_jobs as job', 'job.id', 'resource.job_id')
    .leftJoin('workspace_builds as build', 'build.job_id', 'job.id')
    .leftJoin('workspaces as workspace', 'workspace.id', 'build.workspace_id')
    .leftJoin('users as owner', 'owner.id', 'workspace.owner_id')
}
