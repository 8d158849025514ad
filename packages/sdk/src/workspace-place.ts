import type { Workspace, WorkspaceAgent } from '@berth/schema/shapes'

/** A workspace that runs, and its agent that is connected. */
export interface WorkspacePlace {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
}

/**
 * Finds an agent of a workspace by name; without a name, its only one.
 *
 * @throws Error that says which agents there are.
 */
export function placeIn(workspace: Workspace, name: string | undefined): WorkspacePlace {
  const agents = workspace.latest_build.resources.flatMap((resource) => resource.agents ?? [])
  const [agent, ...others] = name === undefined ? agents : agents.filter((candidate) => candidate.name === name)
  if (agent !== undefined && others.length === 0) return { workspace, agent }
  const names = agents.map((candidate) => candidate.name).join(', ')
  const whose = `${workspace.owner_name}/${workspace.name}`
  if (agents.length === 0) throw new Error(`The workspace ${whose} has no agent, so nothing can be done inside it.`)
  throw new Error(
    name === undefined
      ? `The workspace ${whose} has several agents. Name one: ${names}.`
      : `The workspace ${whose} has no agent "${name}", only: ${names}.`,
  )
}
