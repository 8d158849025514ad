import { Type, type Static } from '@sinclair/typebox'
import { AgentParams, DERPMap } from './agents.ts'
import { endpoint } from '../endpoint.ts'

/** What a client needs to know before it looks for an agent. */
export const WorkspaceAgentConnectionInfo = Type.Object({ derp_map: DERPMap }, { title: 'WorkspaceAgentConnectionInfo' })
export type WorkspaceAgentConnectionInfo = Static<typeof WorkspaceAgentConnectionInfo>

/** How agents and clients of the reference find each other: each sends its network node, and gets those of the other side. */
export const coordinator = {
  coordinateAgent: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/coordinate',
    summary: 'Exchange network nodes with the clients of the calling agent.',
    description: 'WebSocket, binary messages. To the server: one JSON node each; from it: JSON arrays of nodes of clients.',
    access: 'agent',
    status: 101,
    delivery: 'websocket',
    failures: ['agent_unauthorized', 'invalid_agent_request', 'build_outdated', 'upgrade_required'],
  }),
  connection: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/connection',
    summary: 'Get what a connection to an agent needs.',
    access: { resource: 'workspace', action: 'read' },
    params: AgentParams,
    status: 200,
    response: WorkspaceAgentConnectionInfo,
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found'],
  }),
  coordinateClient: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/coordinate',
    summary: 'Exchange network nodes with an agent.',
    description: 'WebSocket, binary messages. To the server: one JSON node each; from it: JSON arrays with the newest node of the agent.',
    access: { resource: 'workspace_execution', action: 'create' },
    params: AgentParams,
    status: 101,
    delivery: 'websocket',
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found', 'browser_only', 'upgrade_required'],
  }),
}
