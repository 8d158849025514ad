import type { Workspace, WorkspaceAgent } from '@berth/schema'
import type { Context } from '../context.ts'
import { chooseAgent, parseTarget } from '../ssh/choose-agent.ts'
import { waitForAgent } from '../ssh/wait-for-agent.ts'
import { ensureStarted } from '../workspaces/ensure-started.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'

/** A connected agent and its workspace. */
export interface ReadyAgent {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
}

/**
 * Returns the agent that `words` name, such as `dev` or `ada/dev.main`, once it is connected.
 * Offers to start a workspace that is stopped, and shows the progress of a build.
 *
 * @throws CommandError if the workspace isn't to be started, or has no such agent.
 */
export async function readyAgent(words: string, context: Context): Promise<ReadyAgent> {
  const target = parseTarget(words)
  const found = await findWorkspace(context.client, target.workspace)
  const workspace = await ensureStarted(found, { words: target.workspace, start: false, ask: true }, context)
  const agent = await waitForAgent(chooseAgent(workspace, target.agent), { of: workspace, patient: true }, context)
  return { workspace, agent }
}
