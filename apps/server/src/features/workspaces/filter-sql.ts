import type { AgentStatus, WorkspaceStatus } from '@berth/schema'
import { sql, type RawBuilder } from 'kysely'
import { agentLastHeardOf } from '../../database/wire-json.ts'

/** The filters of a list. All that are given must match. */
export interface WorkspaceFilter {
  /** User names, in any case. */
  readonly owner?: readonly string[]
  readonly ownerId?: string
  readonly template?: readonly string[]
  /** Parts of the name. `%` and `_` are wildcards. */
  readonly name?: readonly string[]
  readonly status?: readonly WorkspaceStatus[]
  readonly hasAgent?: readonly (AgentStatus | 'unknown')[]
}

interface Instants {
  readonly now: string
  /** Agents that last reported before this time count as disconnected. */
  readonly inactiveBefore: string
}

/** Compiles a filter into a condition on the alias `workspace`. */
export function filterSql(filter: WorkspaceFilter, instants: Instants): RawBuilder<boolean> {
  const conditions: RawBuilder<boolean>[] = [
    ...(filter.ownerId === undefined ? [] : [sql<boolean>`workspace.owner_id = ${filter.ownerId}`]),
    ...(filter.owner ?? []).map(
      (owner) => sql<boolean>`workspace.owner_id = (select id from users where lower(username) = ${owner.toLowerCase()} and not deleted)`,
    ),
    ...(filter.template ?? []).map(
      (template) =>
        sql<boolean>`workspace.template_id = any(array(select id from templates where lower(name) = ${template.toLowerCase()} and not deleted))`,
    ),
    ...(filter.name ?? []).map((name) => sql<boolean>`workspace.name ilike ${`%${escapeTrailingBackslash(name)}%`}`),
    ...(filter.status ?? []).map(statusSql),
    ...(filter.hasAgent ?? []).map((status) => agentSql(status, instants)),
  ]
  return conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` and `)})`
}

/** A pattern must not end with the escape character, so a trailing one is escaped itself. */
function escapeTrailingBackslash(pattern: string): string {
  const trailing = /\\*$/.exec(pattern)?.[0].length ?? 0
  return trailing % 2 === 1 ? `${pattern}\\` : pattern
}

/**
 * The status of a workspace as the status of its latest job and the transition of its latest build.
 */
const STATUS_PARTS: Readonly<Record<WorkspaceStatus, readonly [job: string, transition?: string]>> = {
  pending: ['pending'],
  starting: ['running', 'start'],
  stopping: ['running', 'stop'],
  deleting: ['running', 'delete'],
  running: ['succeeded', 'start'],
  stopped: ['succeeded', 'stop'],
  deleted: ['succeeded', 'delete'],
  failed: ['failed'],
  canceling: ['canceling'],
  canceled: ['canceled'],
}

function statusSql(status: WorkspaceStatus): RawBuilder<boolean> {
  const [job, transition] = STATUS_PARTS[status]
  const isJob = sql<boolean>`workspace.latest_job_status = ${job}::job_status`
  return transition === undefined ? isJob : sql`(${isJob} and workspace.latest_build_transition = ${transition}::workspace_transition)`
}

/** The rule of `ResourcePresenter` as SQL; agent-status.db.test.ts holds one against the other. */
function agentSql(status: AgentStatus | 'unknown', { now, inactiveBefore }: Instants): RawBuilder<boolean> {
  if (status === 'unknown') return sql`false`
  const isLate = sql`(agent.connection_timeout_seconds > 0 and agent.created_at < ${now}::timestamptz - make_interval(secs => agent.connection_timeout_seconds))`
  const isGone = sql`(agent.disconnected_at > ${agentLastHeardOf} or ${agentLastHeardOf} < ${inactiveBefore}::timestamptz)`
  const condition: Readonly<Record<AgentStatus, RawBuilder<boolean>>> = {
    timeout: sql`(agent.last_connected_at is null and ${isLate})`,
    connecting: sql`(agent.last_connected_at is null and not ${isLate})`,
    disconnected: sql`(agent.last_connected_at is not null and coalesce(${isGone}, false))`,
    connected: sql`(agent.last_connected_at is not null and not coalesce(${isGone}, false))`,
  }
  return sql`(workspace.latest_build_transition = 'start' and exists (
    select from workspace_resources resource join workspace_agents agent on agent.resource_id = resource.id
    where resource.job_id = workspace.latest_job_id and ${condition[status]}))`
}
