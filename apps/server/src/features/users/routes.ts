import type { User, users } from '@berth/schema'
import type { UserRow } from '../../database/rows.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Actor } from '../../http/caller.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentUser } from './present.ts'
import type { UserService } from './service.ts'
import type { UserChanges } from './user-changes.ts'

export function userRoutes<Agent>({
  service,
  changes,
}: {
  readonly service: UserService
  readonly changes: UserChanges
}): Handlers<typeof users, FoundByPath, Agent> {
  const changed = async (actor: Actor, { id }: UserRow): Promise<User> => presentUser(await service.resolve(id, actor))
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
    delete: async ({ actor, user }) => {
      await changes.delete(actor, user)
      return { message: 'User has been deleted!' }
    },
    updateProfile: async ({ actor, user, body }) => {
      await changes.rename(actor, user, body.username)
      return await changed(actor, user)
    },
    suspend: async ({ actor, user }) => {
      await changes.suspend(actor, user)
      return await changed(actor, user)
    },
    activate: async ({ actor, user }) => {
      await changes.activate(actor, user)
      return await changed(actor, user)
    },
    updatePassword: async ({ actor, user, body }) => await changes.setPassword(actor, user, body),
    getRoles: async ({ actor, user }) => await changes.roles(actor, user),
    updateRoles: async ({ actor, user, body }) => {
      await changes.setRoles(actor, user, body.roles)
      return await changed(actor, user)
    },
  }
}
