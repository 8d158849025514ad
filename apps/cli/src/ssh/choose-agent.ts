import type { Workspace, WorkspaceAgent } from '@berth/schema'
import { CommandError } from '../failures.ts'

/** What `berth ssh` connects to. */
export interface SshTarget {
  /** `name` or `owner/name`. */
  readonly workspace: string
  /** Name of the agent. Needed if the workspace has several. */
  readonly agent: string | undefined
}

/**
 * Parses `workspace` or `owner/workspace`, either followed by `.agent`. Workspace names have no
 * dots.
 */
export function parseTarget(words: string): SshTarget {
  const dot = words.indexOf('.')
  if (dot === -1) return { workspace: words, agent: undefined }
  return { workspace: words.slice(0, dot), agent: words.slice(dot + 1) }
}

/** Returns the agents of a workspace. */
export function agentsOf({ latest_build }: Workspace): WorkspaceAgent[] {
  return latest_build.resources.flatMap(({ agents }) => agents ?? [])
}

/**
 * Returns what to type after `berth ssh` for an agent: its name is left out if it is the only one.
 */
export function sshName(
  workspace: string,
  { agent, agents }: { readonly agent: WorkspaceAgent; readonly agents: readonly WorkspaceAgent[] },
): string {
  return agents.length === 1 ? workspace : `${workspace}.${agent.name}`
}

/**
 * Chooses the agent to connect to.
 *
 * @throws CommandError if there is none, none of that name, or several and no name.
 */
export function chooseAgent(workspace: Workspace, name: string | undefined): WorkspaceAgent {
  const agents = agentsOf(workspace)
  const names = agents.map((agent) => agent.name).join(', ')
  const [first, second] = agents
  if (first === undefined) {
    throw new CommandError(`The workspace ${workspace.name} has no agent to connect to.`, { help: 'Its template must define one.' })
  }
  if (name !== undefined) {
    const named = agents.find((agent) => agent.name === name)
    if (named) return named
    throw new CommandError(`The workspace ${workspace.name} has no agent "${name}". Use one of: ${names}.`)
  }
  if (second === undefined) return first
  throw new CommandError(`The workspace ${workspace.name} has several agents: ${names}.`, {
    help: `Choose one, for example with 'berth ssh ${sshName(workspace.name, { agent: first, agents })}'.`,
  })
}
