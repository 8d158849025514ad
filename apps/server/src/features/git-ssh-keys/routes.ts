import type { gitSshKeys } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AgentCaller, AgentService } from '../agents/service.ts'
import type { GitSshKeyService } from './service.ts'

export function gitSshKeyRoutes(service: GitSshKeyService, agents: AgentService): Handlers<typeof gitSshKeys, FoundByPath, AgentCaller> {
  return {
    get: async ({ user }) => await service.get(user),
    regenerate: async ({ actor, user }) => await service.regenerate(actor, user),
    getOfAgent: async ({ agent }) => await service.getPair(agents.ownerOf(agent)),
  }
}
