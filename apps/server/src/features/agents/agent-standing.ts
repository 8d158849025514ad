import { Failure } from '@berth/schema'
import { closeReasons } from '@berth/tunnel'
import { sql, type RawBuilder } from 'kysely'
import type { AgentRow, WorkspaceRow } from '../../database/rows.ts'
import type { Ending, Holder } from '../../http/open-connections.ts'

/** What an agent's requests need to know of its workspace. */
export type AgentWorkspace = Pick<WorkspaceRow, 'id' | 'name' | 'owner_id' | 'template_id'> & { readonly owner_name: string }

/** An agent that calls the server. */
export interface AgentCaller {
  readonly agent: AgentRow
  /** Null for agents of template imports and dry runs. */
  readonly workspace: AgentWorkspace | null
}

/** What an agent's token is good for. */
export type AgentStanding =
  | 'good'
  /** The workspace has a newer build. */
  | 'outdated'
  /** The workspace is gone, or its owner is no longer active. */
  | 'revoked'

/**
 * The {@link AgentStanding} of an agent, from the aliases `job`, `build`, `workspace` and `owner`,
 * of which only the job always exists. Agents of template imports and dry runs belong to no
 * workspace and stay good.
 */
export const agentStanding: RawBuilder<AgentStanding> = sql`case
  when job.type <> 'workspace_build' then 'good'
  when workspace.id is null or workspace.deleted or owner.deleted or owner.status <> 'active' then 'revoked'
  when workspace.latest_build_id is distinct from build.id then 'outdated'
  else 'good' end`

/** Returns how requests and connections of an agent end; undefined if its token is good. */
export function endingOf(standing: AgentStanding): Ending | undefined {
  if (standing === 'good') return undefined
  if (standing === 'revoked') return { closeReason: closeReasons.agentRevoked, failure: unknownToken() }
  const { buildOutdated } = closeReasons
  return { closeReason: buildOutdated, failure: new Failure('build_outdated', { detail: buildOutdated.text }) }
}

/** Returns how the connections of those agents end whose token is no longer good. */
export function endingsOf(agents: readonly { readonly id: string; readonly standing: AgentStanding }[]): Map<string, Ending> {
  return new Map(
    agents.flatMap(({ id, standing }) => {
      const ending = endingOf(standing)
      return ending === undefined ? [] : [[id, ending] as const]
    }),
  )
}

/** Returns the failure for a token that belongs to no agent. */
export function unknownToken(): Failure {
  return new Failure('agent_unauthorized', {
    detail:
      'The agent cannot authenticate until the workspace provision job has been completed. If the job is no longer running, this agent is invalid.',
  })
}

/**
 * Returns the holder of an agent's connections, which wake with the workspace and its owner;
 * undefined for agents without a workspace.
 */
export function holderOf({ agent, workspace }: AgentCaller): Holder | undefined {
  return workspace === null ? undefined : { id: agent.id, groups: [workspace.id, workspace.owner_id] }
}
