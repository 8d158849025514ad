import type { Workspace, WorkspaceAgent } from '@berth/schema'
import { watchWorkspace, type Client } from '@berth/sdk'
import type { Context } from '../context.ts'
import { CommandError } from '../failures.ts'
import { agentsOf, chooseAgent, parseTarget } from '../ssh/choose-agent.ts'
import { createProgress } from '../terminal/progress.ts'
import { waitForBuild } from '../workspaces/build-workspace.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { notRunning } from '../workspaces/not-running.ts'

/** A connected agent and its workspace. */
export interface ReadyAgent {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
}

/**
 * Returns the agent that `words` name, such as `dev` or `ada/dev.main`, once it is connected. Waits
 * for a build that runs, and shows its progress.
 *
 * @throws CommandError if the workspace isn't started, or has no such agent.
 */
export async function readyAgent(words: string, context: Context): Promise<ReadyAgent> {
  const { client, signal } = context
  const target = parseTarget(words)
  const found = await findWorkspace(client, target.workspace)
  const { transition, job } = found.latest_build
  if (transition !== 'start') throw notRunning(found, target.workspace)
  if (job.completed_at === undefined) await waitForBuild(found.latest_build, context)
  else if (job.status !== 'succeeded') {
    throw new CommandError(`The last start of ${found.name} failed: ${job.error ?? job.status}`, {
      help: `Try again with 'berth start ${target.workspace}'.`,
    })
  }
  const workspace = job.completed_at === undefined ? await client.workspaces.get({ params: { workspace: found.id } }) : found
  const agent = chooseAgent(workspace, target.agent)
  if (agent.status === 'connected') return { workspace, agent }
  const progress = createProgress(context)
  progress.step(`Waiting for the agent ${agent.name}`)
  try {
    const connected = await connectedAgent(client, { workspace, agent: agent.name }, { signal, onState: (state) => progress.line(state) })
    progress.finish('done')
    return { workspace, agent: connected }
  } catch (error) {
    progress.finish(signal.aborted ? 'canceled' : 'failed')
    throw error
  }
}

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
