import { Failure, agentStatuses, workspaceStatuses, type AgentStatus, type WorkspaceStatus } from '@berth/schema'
import { SearchError, parseSearch } from '@berth/schema/rules'
import type { WorkspaceFilter } from './filter-sql.ts'

export interface WorkspaceListRequest {
  readonly owner?: string
  readonly template?: string
  readonly name?: string
  readonly status?: WorkspaceStatus
  readonly has_agent?: AgentStatus
  readonly q?: string
  readonly after_id?: string
  readonly limit?: number
  readonly offset?: number
}

/**
 * Reads the filters of a list from the query parameters and the words of `q`. All that are given
 * must match. In `q` an unknown status is ignored, and an unknown agent status matches nothing
 * (Coder v2 API, v0.13.4).
 *
 * @throws Failure `invalid_search`
 */
export function readFilter(request: WorkspaceListRequest, callerId: string): WorkspaceFilter {
  const words = searchWords(request.q ?? '')
  const owners = present(request.owner, words.get('owner'))
  const status = workspaceStatuses.find((known) => known === words.get('status'))
  const agentWord = words.get('has-agent')
  const agent = agentWord === undefined ? undefined : (agentStatuses.find((known) => known === agentWord) ?? 'unknown')
  return {
    ...(owners.some(isMe) && { ownerId: callerId }),
    owner: owners.filter((owner) => !isMe(owner)),
    template: present(request.template, words.get('template')),
    name: present(request.name, words.get('name')),
    status: present(request.status, status),
    hasAgent: present(request.has_agent, agent),
  }
}

function isMe(owner: string): boolean {
  return owner.toLowerCase() === 'me'
}

function present<Value>(...values: readonly (Value | undefined | '')[]): Value[] {
  return values.filter((value): value is Value => value !== undefined && value !== '')
}

function searchWords(query: string): ReadonlyMap<string, string> {
  try {
    return parseSearch(query, 'owner/name')
  } catch (error) {
    if (!(error instanceof SearchError)) throw error
    throw new Failure('invalid_search', { validations: [{ field: 'q', detail: error.message }], cause: error })
  }
}
