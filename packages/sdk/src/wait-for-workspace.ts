import type { ProvisionerJobLog, Workspace, WorkspaceBuild } from '@berth/schema/shapes'
import { BuildError } from './build-error.ts'
import type { CallOptions, DerivedClient } from './client.ts'
import type { StreamOptions } from './reconnect.ts'
import { watchWorkspace } from './watch-workspace.ts'

/** How many entries at the end of a failed build's log its error has. */
const keptLogs = 50

/** Waits until a workspace runs and its agents are connected. */
export async function workspaceReady(client: DerivedClient, id: string, options: StreamOptions): Promise<Workspace> {
  for await (const workspace of watchWorkspace(client, id, { ...options, initial: true })) {
    const { latest_build: build } = workspace
    if (build.transition !== 'start') throw notStarting(workspace)
    if (hasFailed(build)) throw await buildError(client, build, options)
    if (build.job.status === 'succeeded' && areConnected(workspace)) return workspace
  }
  throw new Error('The watch of the workspace ended.')
}

/** Waits until a build has ended. */
export async function buildEnded(
  client: DerivedClient,
  { id, workspace_id }: WorkspaceBuild,
  options: StreamOptions,
): Promise<WorkspaceBuild> {
  for await (const { latest_build } of watchWorkspace(client, workspace_id, { ...options, initial: true })) {
    const build = latest_build.id === id ? latest_build : await client.builds.get({ params: { workspacebuild: id } }, options)
    if (hasFailed(build)) throw await buildError(client, build, options)
    if (build.job.status === 'succeeded') return build
  }
  throw new Error('The watch of the workspace ended.')
}

function hasFailed({ job }: WorkspaceBuild): boolean {
  return job.status === 'failed' || job.status === 'canceled'
}

async function buildError(client: DerivedClient, build: WorkspaceBuild, options: CallOptions): Promise<BuildError> {
  const logs = await client.builds.logs({ params: { workspacebuild: build.id } }, options).catch((): ProvisionerJobLog[] => [])
  return new BuildError(build, logs.slice(-keptLogs))
}

function areConnected(workspace: Workspace): boolean {
  const agents = workspace.latest_build.resources.flatMap((resource) => resource.agents ?? [])
  const late = agents.find(({ status }) => status === 'timeout')
  if (late !== undefined)
    throw new Error(
      `The agent "${late.name}" of ${fullName(workspace)} did not connect within ${late.connection_timeout_seconds} s. See ${late.troubleshooting_url}`,
    )
  return agents.every(({ status }) => status === 'connected')
}

function notStarting(workspace: Workspace): Error {
  const { status, transition } = workspace.latest_build
  const help = transition === 'delete' ? '' : ' Start it with client.workspaces.start.'
  return new Error(`The workspace ${fullName(workspace)} is ${status}, so it will not become ready.${help}`)
}

function fullName({ owner_name, name }: Workspace): string {
  return `${owner_name}/${name}`
}
