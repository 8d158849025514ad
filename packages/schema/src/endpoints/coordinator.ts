import { Type, type Static } from '@sinclair/typebox'
import { AgentParams, DERPMap } from './agents.ts'
import { endpoint } from '../endpoint.ts'

/** The information a client needs to connect to an agent. */
export const WorkspaceAgentConnectionInfo = Type.Object({ derp_map: DERPMap }, { title: 'WorkspaceAgentConnectionInfo' })
export type WorkspaceAgentConnectionInfo = Static<typeof WorkspaceAgentConnectionInfo>

/**
 * How agents and clients of the reference find each other: each sends its network node and receives
 * the other side's.
 */
export const coordinator = {
  coordinateAgent: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/coordinate',
    summary: "Exchange network nodes with the calling agent's clients.",
    description: "A WebSocket with binary messages. The agent sends its node as JSON. The server sends JSON arrays of its clients' nodes.",
    access: 'agent',
    status: 101,
    delivery: 'websocket',
    failures: ['agent_unauthorized', 'build_outdated', 'invalid_agent_request', 'upgrade_required'],
  }),
  connection: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/connection',
    summary: 'Get the information needed to connect to an agent.',
    description:
      "Returns the relays through which clients of the Coder v2 API reach the agent. Answers 409 if the workspace runs Berth's own agent: its clients open a tunnel instead.",
    access: { resource: 'workspace', action: 'read' },
    params: AgentParams,
    status: 200,
    response: WorkspaceAgentConnectionInfo,
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found', 'agent_without_coordination'],
  }),
  coordinateClient: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/coordinate',
    summary: 'Exchange network nodes with an agent.',
    description:
      "A WebSocket with binary messages. The client sends its node as JSON. The server sends JSON arrays with the agent's latest node.",
    access: { resource: 'workspace_execution', action: 'create' },
    params: AgentParams,
    status: 101,
    delivery: 'websocket',
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found', 'browser_only', 'upgrade_required'],
  }),
}
