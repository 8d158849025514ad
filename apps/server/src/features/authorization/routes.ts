import type { authorization } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AuthorizationService } from './service.ts'

export function authorizationRoutes<Agent>(service: AuthorizationService): Handlers<typeof authorization, FoundByPath, Agent> {
  return { check: async ({ actor, body }) => await service.check(actor, body) }
}
