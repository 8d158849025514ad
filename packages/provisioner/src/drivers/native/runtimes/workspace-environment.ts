import type { ProvisionMetadata } from '../../../driver.ts'
import type { Agent } from '../../../resources.ts'

/** What an agent is told about itself and its workspace, wherever it runs. Its token and the address of its server come besides. */
export function workspaceEnvironment(agent: Agent, metadata: ProvisionMetadata): Record<string, string> {
  return {
    BERTH_AGENT_NAME: agent.name,
    BERTH_WORKSPACE_NAME: metadata.workspace_name,
    BERTH_WORKSPACE_ID: metadata.workspace_id,
    BERTH_WORKSPACE_OWNER_NAME: metadata.workspace_owner,
  }
}
