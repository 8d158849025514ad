import type { CreateWorkspaceBuildRequest, Workspace, WorkspaceBuild } from '@berth/schema'
import { watchWorkspace } from '@berth/sdk'
import type { Context } from '../context.ts'
import { waitForSuccess } from '../wait-for-job.ts'

/** Starts a build of a workspace and waits for it. */
export async function buildWorkspace(workspace: Workspace, request: CreateWorkspaceBuildRequest, context: Context): Promise<void> {
  const build = await context.client.builds.create({ params: { workspace: workspace.id }, body: request })
  await waitForBuild(build, context)
}

/**
 * Waits for a build. Ctrl-C stops waiting but not the build, which would leave the workspace half
 * built.
 */
export async function waitForBuild({ id, workspace_id, workspace_name }: WorkspaceBuild, context: Context): Promise<void> {
  const changes = (signal: AbortSignal) => watchWorkspace(context.client, workspace_id, { initial: true, signal })
  const read = async () => (await context.client.builds.get({ params: { workspacebuild: id } })).job
  const leftRunning = `The build continues. Check on it with 'berth show ${workspace_name}'.`
  await waitForSuccess({ of: { build: id }, read, changes, leftRunning }, context)
}
