import type { audit } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentAuditLog } from './present.ts'
import type { AuditService } from './service.ts'

export function auditRoutes<Agent>(service: AuditService): Handlers<typeof audit, FoundByPath, Agent> {
  return {
    list: async ({ query }) => {
      const { views, count } = await service.list(query)
      return { audit_logs: views.map(presentAuditLog), count }
    },
    generateTest: async ({ actor, body }) => await service.generateTest(actor, body),
  }
}
