import type { roles } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentRole } from '../users/present.ts'
import type { RoleService } from './service.ts'

export function roleRoutes<Agent>(service: RoleService): Handlers<typeof roles, FoundByPath, Agent> {
  return {
    listSite: async ({ actor }) => service.list(actor),
    listOrganization: async ({ actor, organization }) => service.list(actor, organization),
    updateMember: async ({ actor, organization, user, body }) => {
      const member = await service.setOfMember(actor, { organization, user }, body.roles)
      return { ...member, roles: member.roles.map(presentRole) }
    },
  }
}
