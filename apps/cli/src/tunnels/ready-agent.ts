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
 * Shows the progress of a build. `start` starts a workspace that is stopped; `ask` offers to.
 *
 * @throws CommandError if the workspace isn't to be started, or has no such agent.
 */
export async function readyAgent(
  words: string,
  context: Context,
  { start = false, ask = true }: { readonly start?: boolean; readonly ask?: boolean } = {},
): Promise<ReadyAgent> {
  const { client, terminal } = context
  const target = parseTarget(words)
  const found = await findWorkspace(client, target.workspace)
  const workspace = await ensureStarted(found, { words: target.workspace, start, ask }, context)
  if (workspace.outdated && terminal.errorOutput.isTTY === true) {
    const warning = `${workspace.name} is outdated. Update it with 'berth update ${target.workspace}'.`
    terminal.note(terminal.paintNote('yellow', warning))
  }
  const agent = await waitForAgent(chooseAgent(workspace, target.agent), { of: workspace, patient: true }, context)
  return { workspace, agent }
}
