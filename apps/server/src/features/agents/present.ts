import type { AgentStatus, WorkspaceAgent, WorkspaceApp, WorkspaceResource } from '@berth/schema'
import type { Clock } from '../../clock.ts'
import type { StoredAgent, StoredApp, StoredResource } from '../../database/wire-json.ts'

export interface ResourcePresenterOptions {
  readonly clock: Clock
  /** An agent that hasn't been seen for longer counts as disconnected. */
  readonly inactiveDisconnectTimeoutMs: number
  /** Shown for agents whose template has no troubleshooting URL. */
  readonly fallbackTroubleshootingUrl: string
  /**
   * Returns an agent's latency to each relay region; undefined when unknown. Default: always
   * unknown.
   */
  readonly latencyOf?: (agentId: string) => WorkspaceAgent['latency']
}

/**
 * Turns stored resources, agents and apps into their wire form. An agent's status depends on the
 * current time.
 */
export class ResourcePresenter {
  readonly #options: ResourcePresenterOptions

  constructor(options: ResourcePresenterOptions) {
    this.#options = options
  }

  /** Keeps the order of the provisioner. */
  present(resources: readonly StoredResource[]): WorkspaceResource[] {
    return resources.map((resource) => this.#presentResource(resource))
  }

  /** Sorts by name, in byte order. */
  presentSorted(resources: readonly StoredResource[]): WorkspaceResource[] {
    return this.present(resources).sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  }

  /**
   * Returns when time alone next changes the status of one of the agents, in milliseconds since
   * 1970; undefined when it never does.
   */
  nextChangeMs(resources: readonly StoredResource[]): number | undefined {
    const now = this.#options.clock.now().getTime()
    const instants = resources
      .flatMap(({ agents }) => agents.map((agent) => this.#changesAtMs(agent)))
      .filter((instant) => instant >= now && instant !== Infinity)
    return instants.length === 0 ? undefined : Math.min(...instants)
  }

  presentAgent(agent: StoredAgent): WorkspaceAgent {
    const { id, created_at, updated_at, first_connected_at, last_connected_at, name, resource_id, auth_instance_id } = agent
    const { status, disconnected_at } = this.#connection(agent)
    const latency = this.#options.latencyOf?.(id)
    return {
      id,
      created_at,
      updated_at,
      ...(first_connected_at !== null && { first_connected_at }),
      ...(last_connected_at !== null && { last_connected_at }),
      ...(disconnected_at !== null && { disconnected_at }),
      status,
      name,
      resource_id,
      ...(auth_instance_id !== null && { instance_id: auth_instance_id }),
      architecture: agent.architecture,
      environment_variables: agent.environment_variables,
      operating_system: agent.operating_system,
      ...(agent.startup_script !== '' && { startup_script: agent.startup_script }),
      ...(agent.directory !== '' && { directory: agent.directory }),
      version: agent.version,
      apps: agent.apps.map(presentApp),
      ...(latency !== undefined && { latency }),
      connection_timeout_seconds: agent.connection_timeout_seconds,
      troubleshooting_url: agent.troubleshooting_url || this.#options.fallbackTroubleshootingUrl,
    }
  }

  #presentResource(resource: StoredResource): WorkspaceResource {
    const { id, created_at, job_id, transition, type, name, hide, icon, agents, metadata, daily_cost } = resource
    return {
      id,
      created_at,
      job_id,
      workspace_transition: transition,
      type,
      name,
      hide,
      icon,
      ...(agents.length > 0 && { agents: agents.map((agent) => this.presentAgent(agent)) }),
      ...(metadata.length > 0 && { metadata: [...metadata] }),
      daily_cost,
    }
  }

  /** Returns when an agent counts as timed out or disconnected unless it is seen before. */
  #changesAtMs({ created_at, last_connected_at, disconnected_at, connection_timeout_seconds }: StoredAgent): number {
    if (last_connected_at === null)
      return connection_timeout_seconds > 0 ? Date.parse(created_at) + connection_timeout_seconds * 1000 : Infinity
    const lastConnected = Date.parse(last_connected_at)
    const isGone = disconnected_at !== null && Date.parse(disconnected_at) > lastConnected
    return isGone ? Infinity : lastConnected + this.#options.inactiveDisconnectTimeoutMs
  }

  /** The first case that applies decides (Coder v2 API, v0.13.4). */
  #connection(agent: StoredAgent): { status: AgentStatus; disconnected_at: string | null } {
    const now = this.#options.clock.now().getTime()
    const { last_connected_at, disconnected_at, connection_timeout_seconds } = agent
    if (last_connected_at === null) {
      const isLate = connection_timeout_seconds > 0 && now - Date.parse(agent.created_at) > connection_timeout_seconds * 1000
      return { status: isLate ? 'timeout' : 'connecting', disconnected_at }
    }
    const lastConnected = Date.parse(last_connected_at)
    if (disconnected_at !== null && Date.parse(disconnected_at) > lastConnected) return { status: 'disconnected', disconnected_at }
    if (now - lastConnected > this.#options.inactiveDisconnectTimeoutMs)
      return { status: 'disconnected', disconnected_at: last_connected_at }
    return { status: 'connected', disconnected_at }
  }
}

export function presentApp(app: StoredApp): WorkspaceApp {
  const { healthcheck_url, healthcheck_interval, healthcheck_threshold, command, icon, ...rest } = app
  return {
    ...rest,
    ...(command !== '' && { command }),
    ...(icon !== '' && { icon }),
    healthcheck: { url: healthcheck_url, interval: healthcheck_interval, threshold: healthcheck_threshold },
  }
}
