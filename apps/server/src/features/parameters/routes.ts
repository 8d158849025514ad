import type { parameters } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentParameter } from './present.ts'
import type { ParameterService } from './service.ts'

export function parameterRoutes<Agent>(service: ParameterService): Handlers<typeof parameters, FoundByPath, Agent> {
  return {
    create: async ({ actor, owner, body }) => presentParameter(await service.create(actor, owner, body)),
    list: async ({ owner }) => (await service.list(owner)).map(presentParameter),
    delete: async ({ actor, owner, params }) => {
      await service.delete(actor, owner, params.parametername)
      return { message: 'Parameter deleted.' }
    },
  }
}
