import type { Workspace } from '@berth/schema'
import type { Context } from '../context.ts'
import { ensureStarted } from '../workspaces/ensure-started.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { chooseAgent, parseTarget } from './choose-agent.ts'
import { dialAgent, type AgentConnection } from './dial-agent.ts'
import { waitForAgent } from './wait-for-agent.ts'

/** An open connection to an agent, and the workspace that the agent is in. */
export interface Reached {
  readonly connection: AgentConnection
  readonly workspace: Workspace
}

/**
 * Connects to the agent that `words` name, as `workspace`, `owner/workspace` or either with
 * `.agent`. Waits until the workspace has started and the agent is connected.
 */
export async function reachAgent(
  words: string,
  options: { readonly start: boolean; readonly ask: boolean },
  context: Context,
): Promise<Reached> {
  const { client, terminal, signal } = context
  const target = parseTarget(words)
  const found = await findWorkspace(client, target.workspace)
  const workspace = await ensureStarted(found, { ...options, words: target.workspace }, context)
  if (workspace.outdated && terminal.errorOutput.isTTY === true) {
    const warning = `${workspace.name} is outdated. Update it with 'berth update ${target.workspace}'.`
    terminal.note(terminal.paintNote('yellow', warning))
  }
  const agent = await waitForAgent(chooseAgent(workspace, target.agent), { of: workspace, patient: true }, context)
  return { connection: await dialAgent(client, agent.id, signal), workspace }
}
