import { Failure, type AgentStats, type DERPMap, type PostWorkspaceAppHealthsRequest, type WorkspaceAgentMetadata } from '@berth/schema'
import { WireValueError, parseUuid } from '@berth/schema/rules'
import type { WebSocket } from 'ws'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import { notify } from '../../database/pubsub.ts'
import type { StoredAgent } from '../../database/wire-json.ts'
import type { AgentRow, WorkspaceRow } from '../../database/rows.ts'
import type { AgentValues } from '../../secrets/agent-values.ts'
import type { AgentPresence } from './agent-presence.ts'
import { endingOf, unknownToken, type AgentCaller, type AgentWorkspace } from './agent-standing.ts'
import type { AgentTunnels } from './agent-tunnels.ts'
import { presentApp } from './present.ts'
import type { AgentStore } from './store.ts'

export type { AgentCaller } from './agent-standing.ts'

interface Dependencies {
  readonly database: Database
  readonly store: AgentStore
  readonly presence: AgentPresence
  readonly tunnels: Pick<AgentTunnels, 'add'>
  /** The relays that agents of the reference use. */
  readonly derpMap: DERPMap
  readonly clock: Clock
  readonly accessUrl: string
  /** The wildcard host name of apps, with the port; empty when apps have none. */
  readonly appHost: () => string
  /** Whether people may reach workspaces only through a browser. */
  readonly browserOnly: boolean
  /** How many git providers people can sign in to. */
  readonly gitAuthProviders: number
  /** How often agents report traffic, in milliseconds. */
  readonly statsIntervalMs: number
  /** Returns what is stored of an agent's token. */
  readonly hashToken: (token: string) => Buffer
  /** Decrypts the token of an agent on a machine that proves its identity. */
  readonly openToken: (agentId: string, sealed: Buffer) => string
  /** Decrypts the values that people may not see. */
  readonly openValues: (agentId: string, sealed: Buffer) => AgentValues
}

const SEMANTIC_VERSION =
  /^v(0|[1-9]\d*)(\.(0|[1-9]\d*)(\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?)?)?$/
const REPORTABLE: readonly string[] = ['initializing', 'healthy', 'unhealthy']
const NANOSECONDS_PER_MS = 1_000_000

/** What agents ask of the server, and what people see of agents. */
export class AgentService {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Returns the agent with a token that is still good. Throws `agent_unauthorized`,
   * `build_outdated`.
   */
  async identify(token: string | undefined): Promise<AgentCaller> {
    if (token === undefined) throw new Failure('agent_unauthorized', { detail: 'The header "Coder-Session-Token" must be set.' })
    const found = await this.#dependencies.store.findByToken(this.#dependencies.hashToken(checkedToken(token)))
    if (found === undefined) throw unknownToken()
    const ending = endingOf(found.standing)
    if (ending !== undefined) throw ending.failure
    return found
  }

  /**
   * Returns the token of the agent on a machine that proved its identity. Throws `agent_not_found`,
   * `agent_not_of_workspace`, `agent_outdated`.
   */
  async tokenOfInstance(instanceId: string): Promise<string> {
    const { store, openToken } = this.#dependencies
    const found = await store.findByInstance(instanceId)
    if (found === undefined || found.standing === 'revoked')
      throw new Failure('agent_not_found', { message: `Instance with id ${JSON.stringify(instanceId)} not found.` })
    const { agent, standing, is_of_build } = found
    if (!is_of_build) throw new Failure('agent_not_of_workspace', { message: 'The machine does not belong to a workspace build.' })
    if (standing === 'outdated') throw new Failure('agent_outdated')
    if (agent.sealed_auth_token === null)
      throw new Failure('agent_not_found', { message: 'The workspace was built before machine identities were supported. Build it again.' })
    return openToken(agent.id, agent.sealed_auth_token)
  }

  /**
   * Returns an agent and its workspace. Throws `agent_not_found`, `agent_not_of_workspace`,
   * `not_found`.
   */
  async get(id: string): Promise<{ workspaceagent: AgentRow; workspace: WorkspaceRow }> {
    const place = await this.#dependencies.store.findPlace(id)
    if (place === undefined) throw new Failure('agent_not_found', { message: "Agent doesn't exist with that id." })
    if (!place.is_of_build) throw new Failure('agent_not_of_workspace', { message: 'Workspace agents can only be fetched for builds.' })
    if (place.workspace === null) throw new Failure('not_found')
    return { workspaceagent: place.agent, workspace: place.workspace }
  }

  async view(agent: AgentRow): Promise<StoredAgent> {
    return await this.#dependencies.store.getView(agent.id)
  }

  /** Returns what an agent has to set up, with the values that people may not see. */
  async metadata(caller: AgentCaller): Promise<WorkspaceAgentMetadata> {
    const { id, sealed_values } = caller.agent
    const shown = await this.view(caller.agent)
    const own = sealed_values === null ? undefined : this.#dependencies.openValues(id, sealed_values)
    const { environment_variables, startup_script, directory, motd_file } = own ?? shown
    const apps = shown.apps.map((app) => ({ ...app, ...own?.apps[app.slug] }))
    return {
      git_auth_configs: this.#dependencies.gitAuthProviders,
      vscode_port_proxy_uri: this.#portProxyUri(caller),
      apps: apps.map(presentApp),
      derpmap: this.#dependencies.derpMap,
      environment_variables: environment_variables && { ...environment_variables },
      startup_script,
      directory,
      motd_file,
    }
  }

  /**
   * Returns the address of a port in the workspace, with a placeholder for the port (Coder v2 API,
   * v0.13.4).
   */
  #portProxyUri({ agent, workspace }: AgentCaller): string {
    const { accessUrl, appHost } = this.#dependencies
    const { protocol, port } = new URL(accessUrl)
    const host = appHost()
    // Without host names for apps, only the port of the access URL remains.
    if (host === '') return port === '' ? '' : `:${port}`
    const { name, owner_name } = ofWorkspace(workspace)
    return host.replace('*', () => `${protocol}//{{port}}--${agent.name}--${name}--${owner_name}`)
  }

  /** Throws `browser_only` when people may reach workspaces only through a browser. */
  requireDirectAccess(): void {
    if (this.#dependencies.browserOnly) throw new Failure('browser_only')
  }

  /**
   * Throws `agent_without_coordination` for an agent that the reference's clients would wait for in
   * vain.
   */
  requireCoordination(agent: AgentRow): void {
    if (agent.connects_by === 'tunnel') throw new Failure('agent_without_coordination')
  }

  /** Throws `invalid_agent_request`. */
  async setVersion({ agent }: AgentCaller, version: string): Promise<void> {
    if (!SEMANTIC_VERSION.test(version))
      throw new Failure('invalid_agent_request', {
        message: 'Invalid workspace agent version provided.',
        detail: `invalid semver version: ${JSON.stringify(version)}`,
      })
    await this.#dependencies.store.setVersion(agent.id, version, timestamp(this.#dependencies.clock.now()))
  }

  /**
   * Stores the health of apps, all of them or none. Throws `invalid_agent_request`,
   * `app_not_found`.
   */
  async setAppHealth({ agent, workspace }: AgentCaller, healths: PostWorkspaceAppHealthsRequest['Healths']): Promise<void> {
    const entries = Object.entries(healths ?? {})
    if (entries.length === 0) throw new Failure('invalid_agent_request', { message: 'Health field is empty' })
    const { apps } = await this.view(agent)
    for (const [id, health] of entries) {
      const app = apps.find((candidate) => candidate.id === id)
      if (app === undefined) throw new Failure('app_not_found', { message: `workspace app ID ${id} not found` })
      if (app.healthcheck_url === '')
        throw new Failure('app_not_found', { message: `health checking is disabled for workspace app ${app.slug}` })
      if (!REPORTABLE.includes(health))
        throw new Failure('invalid_agent_request', { message: `health ${JSON.stringify(health)} is not a valid health` })
    }
    const { store, database } = this.#dependencies
    await database.transaction(async (transaction) => {
      for (const [id, health] of entries) if (health !== 'disabled') await store.in(transaction).setAppHealth(agent.id, id, health)
      if (workspace !== null) await notify(transaction, WORKSPACES_CHANNEL, workspace.id)
    })
  }

  /** Returns the owner of an agent's workspace. Throws `agent_without_workspace`. */
  ownerOf({ workspace }: AgentCaller): string {
    return ofWorkspace(workspace).owner_id
  }

  /** Stores a traffic report. Returns in how many nanoseconds the next one is due. */
  async reportStats(caller: AgentCaller, stats: AgentStats): Promise<number> {
    const { database, store, clock, statsIntervalMs } = this.#dependencies
    const { agent } = caller
    const workspace = acceptedWorkspace(caller)
    if ((stats.rx_bytes ?? 0) !== 0 || (stats.tx_bytes ?? 0) !== 0) {
      await database.transaction(async (transaction) => {
        await store.in(transaction).insertStats({ agent, workspace }, stats, clock.now(), timestamp)
        await notify(transaction, WORKSPACES_CHANNEL, workspace.id)
      })
    }
    return statsIntervalMs * NANOSECONDS_PER_MS
  }

  /**
   * Returns what a socket for reports starts from: the last report, and the interval. Throws
   * `invalid_agent_request`.
   */
  async prepareStats(caller: AgentCaller): Promise<{ last: AgentStats | undefined; intervalMs: number }> {
    acceptedWorkspace(caller)
    return { last: await this.#dependencies.store.findLastStats(caller.agent.id), intervalMs: this.#dependencies.statsIntervalMs }
  }

  /**
   * Checks that an agent may connect. Returns what takes over its socket. Throws
   * `invalid_agent_request`.
   */
  prepareTunnel(caller: AgentCaller): (socket: WebSocket) => void {
    const workspace = acceptedWorkspace(caller)
    return (socket) => this.#dependencies.tunnels.add(caller.agent.id, workspace.id, socket)
  }

  /**
   * Does the same for a connection other than a tunnel. What it returns counts the agent as
   * connected until `closed` settles. Throws `invalid_agent_request`.
   */
  prepareConnection(caller: AgentCaller): (socket: WebSocket, closed: Promise<unknown>) => void {
    const workspace = acceptedWorkspace(caller)
    return (socket, closed) =>
      this.#dependencies.presence.add({ agentId: caller.agent.id, workspaceId: workspace.id, connectsBy: 'coordination', socket, closed })
  }
}

/** Returns the workspace of an agent that connects or reports. Throws `invalid_agent_request`. */
function acceptedWorkspace({ workspace }: AgentCaller): AgentWorkspace {
  if (workspace === null)
    throw new Failure('invalid_agent_request', { message: 'Failed to accept agent: it does not belong to a workspace.' })
  return workspace
}

/** Throws `agent_without_workspace`. */
function ofWorkspace(workspace: AgentWorkspace | null): AgentWorkspace {
  if (workspace === null) throw new Failure('agent_without_workspace')
  return workspace
}

function checkedToken(token: string): string {
  try {
    return parseUuid(token)
  } catch (error) {
    if (!(error instanceof WireValueError)) throw error
    throw new Failure('agent_unauthorized', { detail: `Agent token is not a valid uuid: ${error.message}`, cause: error })
  }
}
