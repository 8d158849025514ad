import type { Group, groups } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentUser } from '../users/present.ts'
import type { GroupService, GroupView } from './service.ts'

export function groupRoutes<Agent>(service: GroupService): Handlers<typeof groups, FoundByPath, Agent> {
  return {
    list: async ({ actor, organization }) => (await service.list(actor, organization)).map(presentGroup),
    create: async ({ actor, organization, body }) => presentGroup(await service.create(actor, organization, body)),
    getByName: async ({ group }) => presentGroup(await service.view(group)),
    get: async ({ group }) => presentGroup(await service.view(group)),
    update: async ({ actor, group, body }) => presentGroup(await service.update(actor, group, body)),
    delete: async ({ actor, group }) => {
      await service.delete(actor, group)
      return { message: 'Successfully deleted group!' }
    },
  }
}

function presentGroup({ group, members }: GroupView): Group {
  const { id, name, organization_id, avatar_url, quota_allowance } = group
  return { id, name, organization_id, members: members.map(presentUser), avatar_url, quota_allowance }
}
