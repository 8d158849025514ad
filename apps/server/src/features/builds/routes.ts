import type { builds } from '@berth/schema'
import { Answer } from '../../http/answer.ts'
import type { Clock } from '../../clock.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentBuild } from './present.ts'
import type { BuildService, BuildView } from './service.ts'

interface Dependencies {
  readonly service: BuildService
  readonly resources: ResourcePresenter
  readonly clock: Clock
}

export function buildRoutes<Agent>({ service, resources, clock }: Dependencies): Handlers<typeof builds, FoundByPath, Agent> {
  const present = ({ build, ...names }: BuildView) => presentBuild(build, names, { resources, now: clock.now() })
  return {
    create: async ({ actor, workspace, body }) => {
      const build = present(await service.create(actor, workspace, body))
      // The reference leaves out the name of the version here (Coder v2 API, v0.13.4).
      return { ...build, template_version_name: '' }
    },
    list: async ({ workspace, query }) => (await service.list(workspace, query)).map(present),
    getByNumber: async ({ workspace, params }) =>
      present(await service.getByNumber(workspace, Number(params.buildnumber), params.workspacename)),
    get: async ({ workspacebuild }) => present(await service.view(workspacebuild.id)),
    cancel: async ({ actor, workspacebuild, workspace }) => {
      await service.cancel(actor, workspacebuild, workspace)
      return { message: 'Job has been marked as canceled...' }
    },
    logs: async ({ workspacebuild, query, connection }) =>
      await service.answerLogs(workspacebuild, query, async () => await connection.acceptWebSocket((socket) => socket, { compress: true })),
    resources: async ({ workspacebuild }) => resources.presentSorted(await service.resources(workspacebuild)),
    state: async ({ workspacebuild }) => new Answer(await service.state(workspacebuild)),
  }
}
