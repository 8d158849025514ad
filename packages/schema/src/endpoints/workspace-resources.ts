/**
 * What a build creates: resources, their agents, and the agents' apps.
 * @module
 */
import { Type, type Static } from '@sinclair/typebox'
import { Choice, Nullable, StringMap, Timestamp, Uuid } from '../wire.ts'

/** What a build does to the workspace. */
export const transitions = ['start', 'stop', 'delete'] as const
export type Transition = (typeof transitions)[number]

export const appHealths = ['disabled', 'initializing', 'healthy', 'unhealthy'] as const
export type AppHealth = (typeof appHealths)[number]
export const sharingLevels = ['owner', 'authenticated', 'public'] as const
export const agentStatuses = ['connecting', 'connected', 'disconnected', 'timeout'] as const
export type AgentStatus = (typeof agentStatuses)[number]

export const WorkspaceApp = Type.Object(
  {
    id: Uuid(),
    url: Type.String(),
    external: Type.Boolean(),
    slug: Type.String(),
    display_name: Type.String(),
    command: Type.Optional(Type.String()),
    icon: Type.Optional(Type.String()),
    subdomain: Type.Boolean(),
    sharing_level: Choice(sharingLevels),
    healthcheck: Type.Object(
      {
        url: Type.String(),
        interval: Type.Integer({ description: 'Seconds between checks.' }),
        threshold: Type.Integer({ description: 'Consecutive failed checks before the app counts as unhealthy.' }),
      },
      { title: 'Healthcheck' },
    ),
    health: Choice(appHealths),
  },
  { title: 'WorkspaceApp' },
)
export type WorkspaceApp = Static<typeof WorkspaceApp>

export const WorkspaceAgent = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    first_connected_at: Type.Optional(Timestamp()),
    last_connected_at: Type.Optional(Timestamp()),
    disconnected_at: Type.Optional(Timestamp()),
    status: Choice(agentStatuses),
    name: Type.String(),
    resource_id: Uuid(),
    instance_id: Type.Optional(Type.String()),
    architecture: Type.String(),
    environment_variables: Nullable(StringMap({ description: 'Sensitive values are shown as `********`.' })),
    operating_system: Type.String(),
    startup_script: Type.Optional(Type.String({ description: 'Sensitive values are shown as `********`.' })),
    directory: Type.Optional(Type.String()),
    version: Type.String({ description: 'Empty until the agent reports its version.' }),
    apps: Type.Array(WorkspaceApp),
    latency: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[\\s\\S]*$' }),
        Type.Object({ preferred: Type.Boolean(), latency_ms: Type.Number() }, { title: 'DERPRegion' }),
      ),
    ),
    connection_timeout_seconds: Type.Integer({ description: 'Seconds the agent has to connect. 0: no limit.' }),
    troubleshooting_url: Type.String(),
  },
  { title: 'WorkspaceAgent' },
)
export type WorkspaceAgent = Static<typeof WorkspaceAgent>

export const WorkspaceResource = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    job_id: Uuid(),
    workspace_transition: Choice(transitions),
    type: Type.String(),
    name: Type.String(),
    hide: Type.Boolean({ description: 'Whether user interfaces should hide the resource.' }),
    icon: Type.String(),
    agents: Type.Optional(Type.Array(WorkspaceAgent)),
    metadata: Type.Optional(
      Type.Array(
        Type.Object(
          { key: Type.String(), value: Type.String({ description: '`********` when it is sensitive.' }), sensitive: Type.Boolean() },
          { title: 'WorkspaceResourceMetadata' },
        ),
      ),
    ),
    daily_cost: Type.Integer(),
  },
  { title: 'WorkspaceResource' },
)
export type WorkspaceResource = Static<typeof WorkspaceResource>
