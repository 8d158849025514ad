import { WORKSPACES_CHANNEL } from '../database/channels.ts'
import { WakeUps } from '../database/wake-ups.ts'
import { AuthorizationService } from '../features/authorization/service.ts'
import { AutobuildLoop } from '../features/builds/autobuild-loop.ts'
import { AutobuildStore } from '../features/builds/autobuild-store.ts'
import { BuildHandler } from '../features/builds/build-handler.ts'
import { BuildService } from '../features/builds/service.ts'
import { BuildStore } from '../features/builds/store.ts'
import { QuotaService } from '../features/quotas/service.ts'
import { QuotaStore } from '../features/quotas/store.ts'
import { WorkspaceContents } from '../features/workspace-contents/service.ts'
import { WorkspaceService } from '../features/workspaces/service.ts'
import { WorkspaceStore } from '../features/workspaces/store.ts'
import { WorkspaceWatches } from '../features/workspaces/watch-stream.ts'
import type { Area, World } from './area.ts'
import type { ConnectionServices } from './connections.ts'
import { composeDaemons } from './daemons.ts'
import type { PeopleServices } from './people.ts'
import type { TemplateServices } from './templates.ts'

/** Workspaces, their builds, and the workers that run them. */
export interface WorkspaceServices {
  readonly builds: BuildService
  readonly workspaces: WorkspaceService
  readonly watches: WorkspaceWatches
  readonly quotas: QuotaService
  readonly autobuild: AutobuildLoop
  readonly authorization: AuthorizationService
  readonly contents: WorkspaceContents
}

type Earlier = PeopleServices & TemplateServices & Pick<ConnectionServices, 'resources' | 'agentDialer'>

export function composeWorkspaces(world: World, earlier: Earlier): Area<WorkspaceServices> {
  const { config, database, pubsub, secrets, clock, logger } = world
  const queries = database.kysely
  const { users, groups, templates, versionHandlers, resources } = earlier
  const store = new WorkspaceStore(queries)
  const buildStore = new BuildStore(queries, secrets)
  const lockWorkspace: ConstructorParameters<typeof BuildService>[0]['lockWorkspace'] = async (transaction, id) =>
    await store.in(transaction).lock(id)
  const builds = new BuildService({ ...earlier, database, store: buildStore, clock, lockWorkspace })
  const { agentInactiveDisconnectTimeoutMs: inactiveDisconnectTimeoutMs } = config
  const workspaces = new WorkspaceService({ ...earlier, database, store, builds, clock, inactiveDisconnectTimeoutMs })
  const quotas = new QuotaService({ database, store: new QuotaStore(queries) })
  const wakeUps = new WakeUps(pubsub, WORKSPACES_CHANNEL)
  const watches = new WorkspaceWatches({ store, wakeUps, resources, clock })
  const autobuild = new AutobuildLoop({
    database,
    store: new AutobuildStore(queries),
    builds,
    clock,
    logger,
    pollIntervalMs: config.autobuildPollIntervalMs,
  })
  const buildHandler = new BuildHandler({ ...earlier, store: buildStore, workspaces, quotas, clock, accessUrl: world.accessUrl })
  const daemons = composeDaemons(world, { store: earlier.jobStore, handlers: { ...versionHandlers, workspace_build: buildHandler } })
  return {
    services: {
      contents: new WorkspaceContents({
        database,
        audit: earlier.audit,
        dial: async (agentId, target, options) => await earlier.agentDialer.dial(agentId, target, options),
      }),
      builds,
      workspaces,
      watches,
      quotas,
      autobuild,
      authorization: new AuthorizationService({ finders: accessFinders({ users, groups, templates, workspaces: store }) }),
    },
    async start() {
      autobuild.start()
      await daemons.start()
    },
    release: () => watches.close(),
    async stop() {
      await Promise.all([autobuild.stop(), daemons.stop()])
      wakeUps.close()
    },
  }
}

type Finders = ConstructorParameters<typeof AuthorizationService>[0]['finders']

/** Returns what access depends on, for each kind of object that callers may ask about by ID. */
function accessFinders(from: Pick<Earlier, 'users' | 'groups' | 'templates'> & { readonly workspaces: WorkspaceStore }): Finders {
  const workspace: Finders[string] = async (id) => await from.workspaces.findById(id)
  return {
    workspace,
    workspace_execution: workspace,
    template: async (id) => await from.templates.find(id),
    user: async (id) => ((await from.users.find(id)) === undefined ? undefined : {}),
    group: async (id) => await from.groups.find(id),
  }
}
