import type { instanceIdentity } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { InstanceIdentityService } from './service.ts'

export function instanceIdentityRoutes<Agent>(service: InstanceIdentityService): Handlers<typeof instanceIdentity, FoundByPath, Agent> {
  return {
    azure: async ({ body }) => ({ session_token: await service.azure(body) }),
    aws: async ({ body }) => ({ session_token: await service.aws(body) }),
    google: async ({ body }) => ({ session_token: await service.google(body.json_web_token) }),
  }
}
