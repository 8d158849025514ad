import { placeOf, type SecretBox } from './secret-box.ts'

/** What people see in place of a sensitive value. */
export const MASK = '********'

/** Values of an agent that people see only in part, because they contain sensitive ones. */
export interface AgentValues {
  readonly environment_variables: Readonly<Record<string, string>> | null
  readonly startup_script: string
  readonly directory: string
  readonly motd_file: string
  /** By slug. */
  readonly apps: Readonly<Record<string, AppValues>>
}

export interface AppValues {
  readonly url: string
  readonly command: string
  readonly healthcheck_url: string
}

export function sealAgentValues(secrets: SecretBox, agentId: string, values: AgentValues): Buffer {
  return secrets.sealText(JSON.stringify(values), place(agentId))
}

export function openAgentValues(secrets: SecretBox, agentId: string, sealed: Buffer): AgentValues {
  // Only `sealAgentValues` writes them, and sealing authenticates them.
  return JSON.parse(secrets.openText(sealed, place(agentId))) as AgentValues
}

function place(agentId: string): string {
  return placeOf('workspace_agents', 'sealed_values', agentId)
}
