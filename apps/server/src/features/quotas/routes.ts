import type { quotas } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { QuotaService } from './service.ts'

export function quotaRoutes<Agent>(service: QuotaService): Handlers<typeof quotas, FoundByPath, Agent> {
  return { get: async ({ user }) => await service.get(user.id) }
}
