import { sql } from 'kysely'
import { parseUuid } from '@berth/schema/rules'
import type { Queries } from '../../database/database.ts'
import type { StoredApp } from '../../database/wire-json.ts'

export type SharingLevel = StoredApp['sharing_level']

/** An agent of the workspace that a request names, with the app or the port that it names. */
export interface NamedAgent {
  readonly id: string
  readonly name: string
  readonly sealed_values: Buffer | null
  /** Null: the agent has no app with this slug. */
  readonly app: { readonly url: string; readonly sharing_level: SharingLevel } | null
  /** Null: the port isn't shared. */
  readonly port_sharing_level: SharingLevel | null
}

/** The workspace that a request for an app names. */
export interface NamedWorkspace {
  readonly id: string
  readonly name: string
  readonly owner_id: string
  readonly owner_name: string
  readonly organization_id: string
  /** The agents of the latest build. */
  readonly agents: readonly NamedAgent[]
}

interface Row extends Omit<NamedWorkspace, 'id' | 'agents'> {
  readonly id: string | null
  readonly agent_id: string | null
  readonly agent_name: string
  readonly sealed_values: Buffer | null
  readonly url: string | null
  readonly sharing_level: SharingLevel
  readonly port_sharing_level: SharingLevel | null
}

/** Finds apps and the ports that are shared. */
export class AppStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): AppStore {
    return new AppStore(queries)
  }

  /**
   * Finds a workspace by its owner's ID or username and its name, and in it an app or a port.
   *
   * @returns `unknown-user`; undefined if the user has no such workspace.
   */
  async find(named: {
    readonly user: string
    readonly workspace: string
    readonly app: string | number
  }): Promise<NamedWorkspace | 'unknown-user' | undefined> {
    const { user, workspace, app } = named
    const id = uuidOf(user)
    const owner = id === undefined ? sql`lower(owner.username) = lower(${user}) and not owner.deleted` : sql`owner.id = ${id}`
    const [slug, port] = typeof app === 'number' ? [null, app] : [app, null]
    const { rows } = await sql<Row>`
      select workspace.id, workspace.name, owner.id as owner_id, owner.username as owner_name, workspace.organization_id,
        agent.id as agent_id, agent.name as agent_name, agent.sealed_values, app.url, app.sharing_level,
        share.sharing_level as port_sharing_level
      from users owner
      left join workspaces workspace
        on workspace.owner_id = owner.id and lower(workspace.name) = lower(${workspace}) and not workspace.deleted
      left join workspace_builds build on build.id = workspace.latest_build_id
      left join workspace_resources resource on resource.job_id = build.job_id
      left join workspace_agents agent on agent.resource_id = resource.id
      left join workspace_apps app on app.agent_id = agent.id and app.slug = ${slug}::text
      left join port_shares share on share.agent_id = agent.id and share.port = ${port}::integer
      where ${owner}
      order by resource.ordinal, agent.ordinal`.execute(this.#queries)
    const [first] = rows
    if (first === undefined) return 'unknown-user'
    if (first.id === null) return undefined
    const { name, owner_id, owner_name, organization_id } = first
    return { id: first.id, name, owner_id, owner_name, organization_id, agents: rows.flatMap(agentOf) }
  }

  async getUsername(userId: string): Promise<string> {
    const { username } = await this.#queries.selectFrom('users').select('username').where('id', '=', userId).executeTakeFirstOrThrow()
    return username
  }

  /** Returns the shared ports of an agent, sorted by port. */
  async listShares(agentId: string): Promise<{ port: number; sharing_level: SharingLevel }[]> {
    return await this.#queries
      .selectFrom('port_shares')
      .select(['port', 'sharing_level'])
      .where('agent_id', '=', agentId)
      .where('sharing_level', '<>', 'owner')
      .orderBy('port')
      .execute()
  }

  /**
   * Sets who may open a port of an agent; `owner` ends the sharing. Returns false if the agent
   * isn't of its workspace's latest build.
   */
  async setShare(
    agentId: string,
    { port, sharing_level }: { readonly port: number; readonly sharing_level: SharingLevel },
  ): Promise<boolean> {
    const { rows } = await sql`
      insert into port_shares (agent_id, port, sharing_level)
      select agent.id, ${port}, ${sharing_level}
      from workspace_agents agent
      join workspace_resources resource on resource.id = agent.resource_id
      join workspace_builds build on build.job_id = resource.job_id
      join workspaces workspace on workspace.latest_build_id = build.id
      where agent.id = ${agentId}
      on conflict (agent_id, port) do update set sharing_level = excluded.sharing_level
      returning port`.execute(this.#queries)
    return rows.length > 0
  }
}

function agentOf({ agent_id: id, agent_name: name, sealed_values, url, sharing_level, port_sharing_level }: Row): NamedAgent[] {
  if (id === null) return []
  return [{ id, name, sealed_values, app: url === null ? null : { url, sharing_level }, port_sharing_level }]
}

function uuidOf(text: string): string | undefined {
  try {
    return parseUuid(text)
  } catch {
    return undefined
  }
}
