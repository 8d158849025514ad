import type { Workspace, WorkspaceAgent } from '@berth/schema'
import { watchWorkspace, type Client } from '@berth/sdk'
import { CommandError } from '../failures.ts'
import { agentsOf } from '../ssh/choose-agent.ts'

/**
 * Waits until a workspace runs and its agent of this name is connected, however often it is stopped
 * and started meanwhile. Follows the changes of the workspace.
 *
 * @param options.onState called with what the workspace does instead, once for each state.
 * @throws CommandError if the workspace is deleted, ApiError if the server refuses for good.
 */
export async function connectedAgent(
  client: Client,
  { workspace: { id }, agent: name }: { readonly workspace: Pick<Workspace, 'id'>; readonly agent: string },
  { signal, onState }: { readonly signal: AbortSignal; readonly onState: (state: string) => void },
): Promise<WorkspaceAgent> {
  let told: string | undefined
  for await (const workspace of watchWorkspace(client, id, { initial: true, signal })) {
    if (workspace.latest_build.transition === 'delete') throw new CommandError(`The workspace ${workspace.name} is deleted.`)
    const agent = agentsOf(workspace).find((candidate) => candidate.name === name)
    if (workspace.latest_build.transition === 'start' && agent?.status === 'connected') return agent
    const state = describe(workspace, agent)
    if (state !== told) onState(state)
    told = state
  }
  throw new Error('The watch of the workspace ended.')
}

function describe({ name, latest_build: { status } }: Workspace, agent: WorkspaceAgent | undefined): string {
  if (status !== 'running') return `${name} is ${status}.`
  if (agent === undefined) return `${name} runs without this agent.`
  return agent.status === 'connecting' ? `The agent ${agent.name} is starting.` : `The agent ${agent.name} isn't connected to the server.`
}
