import { Failure, type workspaces } from '@berth/schema'
import type { Clock } from '../../clock.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentWorkspace } from './present.ts'
import type { WorkspaceService, WorkspaceView } from './service.ts'
import type { WorkspaceWatches } from './watch-stream.ts'

interface Dependencies {
  readonly service: WorkspaceService
  readonly watches: WorkspaceWatches
  readonly resources: ResourcePresenter
  readonly clock: Clock
}

export function workspaceRoutes<Agent>(dependencies: Dependencies): Handlers<typeof workspaces, FoundByPath, Agent> {
  const { service, watches, resources, clock } = dependencies
  const present = (view: WorkspaceView) => presentWorkspace(view, { resources, now: clock.now() })
  return {
    create: async ({ actor, organization, user, body }) => {
      const workspace = present(await service.create(actor, { organization, owner: user }, body))
      // The reference leaves out the name of the version here (Coder v2 API, v0.13.4).
      return { ...workspace, latest_build: { ...workspace.latest_build, template_version_name: '' } }
    },
    getByOwnerAndName: async ({ workspace }) => present(await service.view(workspace.id)),
    list: async ({ actor, query }) => {
      const { views, count } = await service.list(actor, query)
      return { workspaces: views.map(present), count }
    },
    get: async ({ workspace, workspaceView, query }) => {
      if (workspace.deleted && query.include_deleted !== true)
        throw new Failure('workspace_gone', {
          message: `Workspace ${JSON.stringify(workspace.id)} was deleted, you can view this workspace by specifying '?include_deleted=true' and trying again.`,
        })
      return present(workspaceView ?? (await service.view(workspace.id)))
    },
    update: async ({ actor, workspace, body }) => await service.rename(actor, workspace, body.name),
    updateAutostart: async ({ actor, workspace, body }) => await service.setAutostart(actor, workspace, body.schedule ?? null),
    updateTTL: async ({ actor, workspace, body }) => await service.setTtl(actor, workspace, body.ttl_ms ?? null),
    extend: async ({ workspace, body }) => {
      await service.extend(workspace, body.deadline)
      return { message: `Deadline updated to ${body.deadline.replace(/\.\d+Z$/, 'Z')}.` }
    },
    watch: async ({ workspace, connection }) => watches.add(workspace.id, connection.openEventStream()),
  }
}
