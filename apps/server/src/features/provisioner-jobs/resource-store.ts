import { createHash, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { ReportRefused, type Agent, type Resource } from '@berth/provisioner'
import { WireValueError, isAppSlug, parseUuid, truncateRunes } from '@berth/schema/rules'
import type { Insertable } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type {
  WorkspaceAgentsTable,
  WorkspaceAppsTable,
  WorkspaceResourceMetadataTable,
  WorkspaceResourcesTable,
} from '../../database/tables.gen.ts'
import type { AgentValues } from '../../secrets/agent-values.ts'
import type { Redaction } from '../../secrets/redaction.ts'

/** The longest name and type of a resource, in characters (Coder v2 API, v0.13.4). */
const MAX_NAME_CHARACTERS = 64
const MAX_TYPE_CHARACTERS = 192

/** The rows of a set of resources, by table. */
interface ResourceRows {
  readonly resources: Insertable<WorkspaceResourcesTable>[]
  readonly metadata: Insertable<WorkspaceResourceMetadataTable>[]
  readonly agents: Insertable<WorkspaceAgentsTable>[]
  readonly apps: Insertable<WorkspaceAppsTable>[]
}

/** The resources that a job created. */
export interface ResourceSet {
  readonly jobId: string
  readonly transition: 'start' | 'stop' | 'delete'
  readonly resources: readonly Resource[]
  readonly now: string
  /**
   * Encrypts the token of an agent that receives it later, by proving the identity of its cloud
   * instance.
   */
  readonly sealToken: (agentId: string, token: string) => Buffer
  /** Encrypts the values that only the agent may read. */
  readonly sealValues: (agentId: string, values: AgentValues) => Buffer
  /** Hides sensitive values from people. */
  readonly redaction: Redaction
}

/**
 * Returns the hash of an agent's token. The token itself is stored only if the agent receives it
 * later.
 */
export function hashAgentToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/**
 * Stores resources with their agents, apps and metadata, in one statement per table. Throws {@link
 * ReportRefused} for values that can't be stored.
 */
export async function insertResources(queries: Queries, set: ResourceSet): Promise<void> {
  const rows = rowsOf(set)
  if (rows.resources.length > 0) await queries.insertInto('workspace_resources').values(rows.resources).execute()
  if (rows.metadata.length > 0) await queries.insertInto('workspace_resource_metadata').values(rows.metadata).execute()
  if (rows.agents.length > 0) await queries.insertInto('workspace_agents').values(rows.agents).execute()
  if (rows.apps.length > 0) await queries.insertInto('workspace_apps').values(rows.apps).execute()
}

function rowsOf(set: ResourceSet): ResourceRows {
  const { jobId, transition, now } = set
  const rows: ResourceRows = { resources: [], metadata: [], agents: [], apps: [] }
  for (const [ordinal, given] of set.resources.entries()) {
    const resource = set.redaction.resource(given)
    const id = randomUUID()
    const { type, name, hide, icon, instance_type, daily_cost } = resource
    checkLengths(resource)
    rows.resources.push({ id, created_at: now, job_id: jobId, ordinal, transition, type, name, hide, icon, instance_type, daily_cost })
    const slugs = new Set<string>()
    const keys = new Set<string>()
    for (const { key, value, sensitive, is_null } of resource.metadata) {
      if (is_null) continue
      if (keys.has(key)) throw new ReportRefused(`duplicate metadata key ${JSON.stringify(key)} on resource ${name}`)
      keys.add(key)
      rows.metadata.push({ workspace_resource_id: id, key, value, sensitive })
    }
    for (const [agentOrdinal, agent] of resource.agents.entries())
      pushAgent(rows, agent, { ...set, resourceId: id, ordinal: agentOrdinal, slugs, given: given.agents[agentOrdinal] ?? agent })
  }
  return rows
}

function checkLengths({ name, type }: Resource): void {
  const refuse = (field: string, max: number): never => {
    throw new ReportRefused(`the ${field} of the resource ${JSON.stringify(name)} has more than ${max} characters`)
  }
  if (truncateRunes(name, MAX_NAME_CHARACTERS) !== name) refuse('name', MAX_NAME_CHARACTERS)
  if (truncateRunes(type, MAX_TYPE_CHARACTERS) !== type) refuse('type', MAX_TYPE_CHARACTERS)
}

function pushAgent(
  rows: ResourceRows,
  agent: Agent,
  place: {
    readonly resourceId: string
    readonly ordinal: number
    readonly slugs: Set<string>
    /** The agent with all its values, also those that people may not see. */
    readonly given: Agent
  } & Pick<ResourceSet, 'now' | 'sealToken' | 'sealValues'>,
): void {
  const { resourceId, ordinal, slugs, now, given } = place
  const id = randomUUID()
  const token = agent.token ? checkedToken(agent.token) : randomUUID()
  const { environment_variables: environment } = valuesOf(agent)
  rows.agents.push({
    id,
    created_at: now,
    updated_at: now,
    resource_id: resourceId,
    ordinal,
    name: agent.name,
    hashed_auth_token: hashAgentToken(token),
    auth_instance_id: agent.instance_id || null,
    sealed_auth_token: agent.instance_id ? place.sealToken(id, token) : null,
    sealed_values: isDeepStrictEqual(valuesOf(given), valuesOf(agent)) ? null : place.sealValues(id, valuesOf(given)),
    hides_secrets: true,
    architecture: agent.architecture,
    operating_system: agent.operating_system,
    environment_variables: environment && JSON.stringify(environment),
    startup_script: agent.startup_script,
    directory: agent.directory,
    connection_timeout_seconds: agent.connection_timeout_seconds,
    troubleshooting_url: agent.troubleshooting_url,
    motd_file: agent.motd_file,
  })
  for (const app of agent.apps) {
    if (!isAppSlug(app.slug)) throw new ReportRefused(`app slug ${JSON.stringify(app.slug)} must match regex "^[a-z0-9](-?[a-z0-9])*$"`)
    if (slugs.has(app.slug)) throw new ReportRefused(`duplicate app slug, must be unique per template: ${JSON.stringify(app.slug)}`)
    slugs.add(app.slug)
    const { healthcheck, ...rest } = app
    rows.apps.push({
      ...rest,
      id: randomUUID(),
      created_at: now,
      agent_id: id,
      healthcheck_url: healthcheck?.url ?? '',
      healthcheck_interval: healthcheck?.interval ?? 0,
      healthcheck_threshold: healthcheck?.threshold ?? 0,
      health: healthcheck?.url ? 'initializing' : 'disabled',
    })
  }
}

function valuesOf({ env, startup_script, directory, motd_file, apps }: Agent): AgentValues {
  return {
    environment_variables: Object.keys(env).length > 0 ? env : null,
    startup_script,
    directory,
    motd_file,
    apps: Object.fromEntries(
      apps.map(({ slug, url, command, healthcheck }) => [slug, { url, command, healthcheck_url: healthcheck?.url ?? '' }]),
    ),
  }
}

function checkedToken(token: string): string {
  try {
    return parseUuid(token)
  } catch (error) {
    if (error instanceof WireValueError) throw new ReportRefused(`invalid auth token: ${error.message}`, { cause: error })
    throw error
  }
}
