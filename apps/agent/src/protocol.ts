import type { WorkspaceAgentMetadata, WorkspaceApp } from '@berth/schema'

/**
 * An app of the workspace, as far as the agent uses it. An empty health check URL means that
 * nothing is checked.
 */
export type AgentApp = Pick<WorkspaceApp, 'id' | 'slug' | 'url' | 'healthcheck'> & {
  /** Any text, as a newer server may know more states. */
  health: string
}

/** The server's metadata of the agent, as far as the agent uses it. */
export type AgentMetadata = Pick<WorkspaceAgentMetadata, 'environment_variables' | 'startup_script' | 'directory' | 'motd_file'> & {
  apps: AgentApp[]
}

/** What a check of an app can find. */
export type CheckedHealth = Extract<WorkspaceApp['health'], 'healthy' | 'unhealthy'>
