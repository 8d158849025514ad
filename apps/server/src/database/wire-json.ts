import { sql, type RawBuilder } from 'kysely'

/*
 * Nested rows come out of the database as JSON, so that one statement answers a whole page.
 * `wire_time` (migration 0001) spells the times in it.
 */

/** A provisioner job as stored. */
export interface StoredJob {
  readonly id: string
  readonly created_at: string
  readonly updated_at: string
  readonly started_at: string | null
  readonly canceled_at: string | null
  readonly completed_at: string | null
  readonly error: string | null
  readonly worker_id: string | null
  readonly file_id: string
  readonly tags: Record<string, string>
}

export interface StoredApp {
  readonly id: string
  readonly url: string
  readonly external: boolean
  readonly slug: string
  readonly display_name: string
  readonly command: string
  readonly icon: string
  readonly subdomain: boolean
  readonly sharing_level: 'owner' | 'authenticated' | 'public'
  readonly healthcheck_url: string
  readonly healthcheck_interval: number
  readonly healthcheck_threshold: number
  readonly health: 'disabled' | 'initializing' | 'healthy' | 'unhealthy'
}

export interface StoredAgent {
  readonly id: string
  readonly created_at: string
  readonly updated_at: string
  readonly first_connected_at: string | null
  readonly last_connected_at: string | null
  readonly disconnected_at: string | null
  readonly name: string
  readonly resource_id: string
  readonly auth_instance_id: string | null
  readonly architecture: string
  readonly environment_variables: Record<string, string> | null
  readonly operating_system: string
  readonly startup_script: string
  readonly directory: string
  readonly version: string
  readonly connection_timeout_seconds: number
  readonly troubleshooting_url: string
  readonly motd_file: string
  readonly apps: readonly StoredApp[]
}

export interface StoredResource {
  readonly id: string
  readonly created_at: string
  readonly job_id: string
  readonly transition: 'start' | 'stop' | 'delete'
  readonly type: string
  readonly name: string
  readonly hide: boolean
  readonly icon: string
  readonly daily_cost: number
  readonly agents: readonly StoredAgent[]
  readonly metadata: readonly { readonly key: string; readonly value: string; readonly sensitive: boolean }[]
}

/** The job with the given table alias, as a {@link StoredJob}. */
export function jobJson(alias: string): RawBuilder<StoredJob> {
  const j = sql.ref(alias)
  return sql`json_build_object(
    'id', ${j}.id, 'created_at', wire_time(${j}.created_at), 'updated_at', wire_time(${j}.updated_at),
    'started_at', wire_time(${j}.started_at), 'canceled_at', wire_time(${j}.canceled_at), 'completed_at', wire_time(${j}.completed_at),
    'error', ${j}.error, 'worker_id', ${j}.worker_id, 'file_id', ${j}.file_id, 'tags', ${j}.tags)`
}

const APPS = sql`coalesce((
  select json_agg(json_build_object(
    'id', app.id, 'url', app.url, 'external', app.external, 'slug', app.slug, 'display_name', app.display_name, 'command', app.command,
    'icon', app.icon, 'subdomain', app.subdomain, 'sharing_level', app.sharing_level, 'healthcheck_url', app.healthcheck_url,
    'healthcheck_interval', app.healthcheck_interval, 'healthcheck_threshold', app.healthcheck_threshold, 'health', app.health) order by app.slug)
  from workspace_apps app where app.agent_id = agent.id), '[]'::json)`

// An expression rather than a database function, which PostgreSQL would call for each agent.
function sinceBeat(column: 'last_connected_at' | 'updated_at'): RawBuilder<string> {
  return sql`greatest(${sql.ref(`agent.${column}`)}, (select beat_at from replica_beats where replica_id = agent.connected_replica_id))`
}

/**
 * When the agent with the alias `agent` was last heard of, by itself or through the replica it is
 * connected to.
 */
export const agentLastHeardOf: RawBuilder<string> = sinceBeat('last_connected_at')

/** The agent with the alias `agent` and its apps, as a {@link StoredAgent}. */
export const agentJson: RawBuilder<StoredAgent> = sql`json_build_object(
  'id', agent.id, 'created_at', wire_time(agent.created_at), 'updated_at', wire_time(${sinceBeat('updated_at')}),
  'first_connected_at', wire_time(agent.first_connected_at),
  'last_connected_at', wire_time(${sinceBeat('last_connected_at')}),
  'disconnected_at', wire_time(agent.disconnected_at), 'name', agent.name, 'resource_id', agent.resource_id,
  'auth_instance_id', agent.auth_instance_id, 'architecture', agent.architecture, 'environment_variables', agent.environment_variables,
  'operating_system', agent.operating_system, 'startup_script', agent.startup_script, 'directory', agent.directory, 'version', agent.version,
  'connection_timeout_seconds', agent.connection_timeout_seconds, 'troubleshooting_url', agent.troubleshooting_url,
  'motd_file', agent.motd_file, 'apps', ${APPS})`

/**
 * The resources of the job in `jobId` with agents, apps and metadata, in the provisioner's order.
 */
export function resourcesJson(jobId: string): RawBuilder<StoredResource[]> {
  return sql`coalesce((
    select json_agg(json_build_object(
      'id', resource.id, 'created_at', wire_time(resource.created_at), 'job_id', resource.job_id, 'transition', resource.transition,
      'type', resource.type, 'name', resource.name, 'hide', resource.hide, 'icon', resource.icon, 'daily_cost', resource.daily_cost,
      'agents', coalesce((
        select json_agg(${agentJson} order by agent.ordinal) from workspace_agents agent where agent.resource_id = resource.id), '[]'::json),
      'metadata', coalesce((
        select json_agg(json_build_object('key', item.key, 'value', item.value, 'sensitive', item.sensitive) order by item.id)
        from workspace_resource_metadata item where item.workspace_resource_id = resource.id), '[]'::json)) order by resource.ordinal)
    from workspace_resources resource where resource.job_id = ${sql.ref(jobId)}), '[]'::json)`
}
