import type { Workspace, WorkspaceAgent } from '@berth/schema'
import { CommandError } from '../failures.ts'

/** What `ssh` connects to: a workspace, and one of its agents where it has several. */
export interface SshTarget {
  /** `name` or `owner/name`. */
  readonly workspace: string
  readonly agent: string | undefined
}

/** Reads `workspace`, `owner/workspace` or either with `.agent` behind it. Names of workspaces have no dots. */
export function parseTarget(words: string): SshTarget {
  const dot = words.indexOf('.')
  if (dot === -1) return { workspace: words, agent: undefined }
  return { workspace: words.slice(0, dot), agent: words.slice(dot + 1) }
}

/**
 * Chooses the agent to connect to.
 *
 * @throws CommandError when there is none, none of that name, or several and no name.
 */
export function chooseAgent(workspace: Workspace, name: string | undefined): WorkspaceAgent {
  const agents = workspace.latest_build.resources.flatMap((resource) => resource.agents ?? [])
  const names = agents.map((agent) => agent.name).join(', ')
  const [first, second] = agents
  if (first === undefined) throw new CommandError(`The workspace ${workspace.name} has no agent, so nothing in it can be reached.`)
  if (name !== undefined) {
    const named = agents.find((agent) => agent.name === name)
    if (named) return named
    throw new CommandError(`The workspace ${workspace.name} has no agent "${name}". It has: ${names}.`)
  }
  if (second === undefined) return first
  throw new CommandError(`The workspace ${workspace.name} has several agents: ${names}.`, {
    help: `Name one, as in 'berth ssh ${workspace.name}.${first.name}'.`,
  })
}
