import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Choice, Line, LongLine, MapOf, Nullable, ReportedCount, StringMap, Uuid } from '../wire.ts'
import { WorkspaceAgent, WorkspaceApp, appHealths } from './workspace-resources.ts'

const omittedWhenFalse = { description: 'Absent when false.' }

/**
 * A relay server, or a STUN server, which only tells clients their address. Zero fields are
 * omitted.
 */
export const DERPNode = Type.Object(
  {
    Name: Type.String(),
    RegionID: Type.Integer(),
    HostName: Type.String(),
    CertName: Type.Optional(Type.String()),
    IPv4: Type.Optional(Type.String()),
    IPv6: Type.Optional(Type.String()),
    STUNPort: Type.Optional(Type.Integer({ description: 'Default: 3478. -1: no STUN.' })),
    STUNOnly: Type.Optional(Type.Boolean(omittedWhenFalse)),
    DERPPort: Type.Optional(Type.Integer({ description: 'Default: 443.' })),
    InsecureForTests: Type.Optional(Type.Boolean(omittedWhenFalse)),
    ForceHTTP: Type.Optional(Type.Boolean(omittedWhenFalse)),
    STUNTestIP: Type.Optional(Type.String()),
  },
  { title: 'DERPNode' },
)
export type DERPNode = Static<typeof DERPNode>

/** A group of relay servers in one place. */
export const DERPMapRegion = Type.Object(
  {
    EmbeddedRelay: Type.Optional(Type.Boolean({ description: 'Whether the relay is part of this deployment.' })),
    RegionID: Type.Integer(),
    RegionCode: Type.String(),
    RegionName: Type.String(),
    Avoid: Type.Optional(Type.Boolean(omittedWhenFalse)),
    Nodes: Type.Array(DERPNode),
  },
  { title: 'DERPMapRegion' },
)
export type DERPMapRegion = Static<typeof DERPMapRegion>

/**
 * Relay regions by ID, for agents and clients of the reference. Berth's own use the tunnel instead.
 */
export const DERPMap = Type.Object(
  {
    Regions: Type.Record(Type.String({ pattern: '^-?\\d+$' }), DERPMapRegion),
    omitDefaultRegions: Type.Optional(Type.Boolean(omittedWhenFalse)),
  },
  { title: 'DERPMap' },
)
export type DERPMap = Static<typeof DERPMap>

/** The configuration an agent fetches when it starts (Coder v2 API, v0.13.4). */
export const WorkspaceAgentMetadata = Type.Object(
  {
    git_auth_configs: Type.Integer(),
    vscode_port_proxy_uri: Type.String(),
    apps: Type.Array(WorkspaceApp),
    derpmap: DERPMap,
    environment_variables: Nullable(StringMap()),
    startup_script: Type.String(),
    directory: Type.String(),
    motd_file: Type.String(),
  },
  { title: 'WorkspaceAgentMetadata' },
)
export type WorkspaceAgentMetadata = Static<typeof WorkspaceAgentMetadata>

export const PostWorkspaceAgentVersionRequest = Type.Object(
  { version: Line({ description: 'Semantic version with a leading `v`.' }) },
  { title: 'PostWorkspaceAgentVersionRequest', examples: [{ version: 'v0.1.0' }] },
)
export type PostWorkspaceAgentVersionRequest = Static<typeof PostWorkspaceAgentVersionRequest>

export const PostWorkspaceAppHealthsRequest = Type.Object(
  { Healths: Type.Optional(Nullable(MapOf(Choice(appHealths), { keyFormat: 'uuid' }))) },
  { title: 'PostWorkspaceAppHealthsRequest' },
)
export type PostWorkspaceAppHealthsRequest = Static<typeof PostWorkspaceAppHealthsRequest>

/** An agent's traffic since its last report. */
export const AgentStats = Type.Object(
  {
    conns_by_proto: Type.Optional(Nullable(MapOf(ReportedCount()))),
    num_comms: Type.Optional(ReportedCount()),
    rx_packets: Type.Optional(ReportedCount()),
    rx_bytes: Type.Optional(ReportedCount()),
    tx_packets: Type.Optional(ReportedCount()),
    tx_bytes: Type.Optional(ReportedCount()),
  },
  { title: 'AgentStats' },
)
export type AgentStats = Static<typeof AgentStats>

export const AgentStatsResponse = Type.Object(
  { report_interval: Type.Integer({ description: 'Nanoseconds until the next report is due.' }) },
  { title: 'AgentStatsResponse' },
)
export type AgentStatsResponse = Static<typeof AgentStatsResponse>

export const ListeningPortsResponse = Type.Object(
  {
    ports: Type.Array(
      Type.Object(
        { process_name: Type.String(), network: Choice(['tcp']), port: Type.Integer({ minimum: 0, maximum: 65535 }) },
        { title: 'ListeningPort' },
      ),
    ),
  },
  { title: 'ListeningPortsResponse' },
)
export type ListeningPortsResponse = Static<typeof ListeningPortsResponse>

export const AgentParams = Type.Object({ workspaceagent: Uuid({ description: 'Workspace agent ID.' }) })

export const agents = {
  metadata: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/metadata',
    summary: "Get the calling agent's configuration.",
    description: 'An agent calls it when it starts. The answer holds its environment, startup script, apps and relays.',
    access: 'agent',
    status: 200,
    response: WorkspaceAgentMetadata,
    failures: ['agent_unauthorized', 'build_outdated'],
  }),
  updateVersion: endpoint({
    method: 'POST',
    path: '/workspaceagents/me/version',
    summary: "Report the calling agent's version.",
    description: "The version then appears in the agent's document. A version that isn't semantic is 400.",
    access: 'agent',
    body: PostWorkspaceAgentVersionRequest,
    status: 200,
    response: Type.Null(),
    failures: ['agent_unauthorized', 'build_outdated', 'invalid_json', 'invalid_agent_request'],
  }),
  updateAppHealth: endpoint({
    method: 'POST',
    path: '/workspaceagents/me/app-health',
    summary: "Report the health of the agent's apps.",
    description: 'Answers 404 if an app belongs to another agent or has no health check.',
    access: 'agent',
    body: PostWorkspaceAppHealthsRequest,
    status: 200,
    response: Type.Null(),
    failures: ['agent_unauthorized', 'build_outdated', 'invalid_json', 'invalid_agent_request', 'app_not_found'],
  }),
  reportStats: endpoint({
    method: 'POST',
    path: '/workspaceagents/me/report-stats',
    summary: 'Report traffic since the last report.',
    description: 'The answer tells the agent when its next report is due.',
    access: 'agent',
    body: AgentStats,
    status: 200,
    response: AgentStatsResponse,
    failures: ['agent_unauthorized', 'build_outdated', 'invalid_json', 'invalid_agent_request'],
  }),
  followStats: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/report-stats',
    summary: 'Report traffic over a WebSocket.',
    description:
      'Deprecated; kept for old agents. The server sends `{}` when a report is due. The agent answers with `{"num_comms", "rx_bytes", "tx_bytes"}`. The server ignores a report that equals the previous one.',
    access: 'agent',
    status: 101,
    delivery: 'websocket',
    failures: ['agent_unauthorized', 'build_outdated', 'invalid_agent_request', 'upgrade_required'],
  }),
  serveTunnel: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/tunnel',
    summary: 'Open the tunnel that connects the calling agent to the server.',
    description:
      'Berth only. HTTP/2 over a WebSocket, with the agent as the HTTP/2 server. Each HTTP/2 stream carries one byte stream to a target.',
    access: 'agent',
    status: 101,
    delivery: 'websocket',
    failures: ['agent_unauthorized', 'build_outdated', 'invalid_agent_request', 'upgrade_required'],
  }),
  get: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent',
    summary: 'Get an agent.',
    description: "Includes the agent's status, its apps, and its latency to each relay.",
    access: { resource: 'workspace', action: 'read' },
    params: AgentParams,
    status: 200,
    response: WorkspaceAgent,
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found'],
    trailingSlash: true,
  }),
  listeningPorts: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/listening-ports',
    summary: 'List the ports that processes in the workspace listen on.',
    description: 'The server asks the agent, so the answer is 428 unless the agent is connected.',
    access: { resource: 'workspace', action: 'read' },
    params: AgentParams,
    status: 200,
    response: ListeningPortsResponse,
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found', 'agent_not_connected', 'agent_failed'],
  }),
  pty: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/pty',
    summary: 'Open a terminal, or reconnect to one.',
    description:
      'A WebSocket. The client sends JSON, `{"data", "height", "width"}`; the server sends raw bytes. The terminal survives a broken connection.',
    access: { resource: 'workspace_execution', action: 'create' },
    params: AgentParams,
    query: Type.Object({
      reconnect: Uuid({ description: 'ID of the terminal. Use the same ID to reconnect to it.' }),
      height: Type.Optional(Line({ description: 'Number of rows. Anything but a number selects the default.' })),
      width: Type.Optional(Line({ description: 'Number of columns. Anything but a number selects the default.' })),
      command: Type.Optional(LongLine({ description: 'Command to run. Default: the login shell.' })),
    }),
    status: 101,
    delivery: 'websocket',
    failures: [
      'invalid_uuid',
      'agent_not_found',
      'agent_not_of_workspace',
      'not_found',
      'agent_not_connected',
      'invalid_query',
      'upgrade_required',
    ],
  }),
  dialTunnel: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/tunnel',
    summary: 'Open a tunnel to an agent.',
    description:
      'Berth only. HTTP/2 over a WebSocket, with the caller as the HTTP/2 client. Targets are `ssh`, `ports/<port>`, `udp/<port>`, `echo`, `speed-test` and `listening-ports`.',
    access: { resource: 'workspace_execution', action: 'create' },
    params: AgentParams,
    status: 101,
    delivery: 'websocket',
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found', 'browser_only', 'upgrade_required'],
  }),
}
