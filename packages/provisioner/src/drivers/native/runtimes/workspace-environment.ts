import type { ProvisionMetadata } from '../../../driver.ts'
import type { Agent } from '../../../resources.ts'

/**
 * Returns the variables that tell an agent about itself and its workspace, in every runtime. The
 * token and the server's URL are not among them.
 */
export function workspaceEnvironment(agent: Agent, metadata: ProvisionMetadata): Record<string, string> {
  return {
    BERTH_AGENT_NAME: agent.name,
    BERTH_WORKSPACE_NAME: metadata.workspace_name,
    BERTH_WORKSPACE_ID: metadata.workspace_id,
    BERTH_WORKSPACE_OWNER_NAME: metadata.workspace_owner,
  }
}
