import type { users } from '@berth/schema'
import type { FoundByPath } from '../../found.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentUser } from './present.ts'
import type { UserService } from './service.ts'

export function userRoutes<Agent>(service: UserService): Handlers<typeof users, FoundByPath, Agent> {
  return {
    hasFirst: async () => {
      await service.requireFirst()
      return { message: 'The initial user has already been created!' }
    },
    createFirst: async ({ body, origin }) => await service.createFirst(body, origin),
    list: async ({ actor, query }) => {
      const { rows, count } = await service.list(actor, query)
      return { users: rows.map(presentUser), count }
    },
    create: async ({ actor, body }) => presentUser(await service.create(actor, body)),
    get: async ({ user }) => presentUser(user),
  }
}
