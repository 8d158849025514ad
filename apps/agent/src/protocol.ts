/** An app of the workspace, as far as the agent cares (Coder v2 API, v0.13.4). */
export interface AgentApp {
  id: string
  slug: string
  url: string
  /** `interval` in seconds; an empty `url` means that nothing is checked. */
  healthcheck: { url: string; interval: number; threshold: number }
  health: string
}

/** `GET /workspaceagents/me/metadata` (Coder v2 API, v0.13.4), the fields the agent uses. */
export interface AgentMetadata {
  apps: AgentApp[]
  environment_variables: Record<string, string> | null
  startup_script: string
  directory: string
  motd_file: string
}

export type AppHealth = 'healthy' | 'unhealthy'

/** Body of `POST /workspaceagents/me/report-stats` (Coder v2 API, v0.13.4): counts since the last report. `num_comms` is spelled so on the wire. */
export interface AgentStats {
  conns_by_proto: Record<string, number>
  num_comms: number
  rx_packets: number
  rx_bytes: number
  tx_packets: number
  tx_bytes: number
}
