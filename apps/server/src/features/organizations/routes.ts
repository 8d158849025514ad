import type { Organization, organizations } from '@berth/schema'
import type { OrganizationRow } from '../../database/rows.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { OrganizationService } from './service.ts'

export function organizationRoutes<Agent>(service: OrganizationService): Handlers<typeof organizations, FoundByPath, Agent> {
  return {
    create: async ({ actor, body }) => presentOrganization(await service.found(actor, body.name)),
    get: async ({ organization }) => presentOrganization(organization),
    listOfUser: async ({ actor, user }) => (await service.listOfUser(actor, user)).map(presentOrganization),
    getOfUserByName: async ({ organization }) => presentOrganization(organization),
  }
}

function presentOrganization({ id, name, created_at, updated_at }: OrganizationRow): Organization {
  return { id, name, created_at, updated_at }
}
