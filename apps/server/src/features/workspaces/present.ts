import type { Workspace } from '@berth/schema'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentBuild } from '../builds/present.ts'
import type { WorkspaceView } from './store.ts'

/** Returns a workspace in wire form. */
export function presentWorkspace(view: WorkspaceView, world: { readonly resources: ResourcePresenter; readonly now: Date }): Workspace {
  const { id, created_at, updated_at, owner_id, owner_name, template_id, template_name, template_display_name, template_icon } = view
  const { name, autostart_schedule, ttl_ms, last_used_at, build } = view
  return {
    id,
    created_at,
    updated_at,
    owner_id,
    owner_name,
    template_id,
    template_name,
    template_display_name,
    template_icon,
    template_allow_user_cancel_workspace_jobs: view.template_allow_user_cancel_workspace_jobs,
    latest_build: presentBuild(build, { workspace_name: name, workspace_owner_id: owner_id, workspace_owner_name: owner_name }, world),
    outdated: build.template_version_id !== view.template_active_version_id,
    name,
    ...(autostart_schedule !== null && { autostart_schedule }),
    ...(ttl_ms !== null && { ttl_ms }),
    last_used_at,
  }
}
