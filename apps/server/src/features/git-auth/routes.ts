import type { gitAuth } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AgentCaller, AgentService } from '../agents/service.ts'
import type { GitAuthService } from './service.ts'

export function gitAuthRoutes(service: GitAuthService, agents: AgentService): Handlers<typeof gitAuth, FoundByPath, AgentCaller> {
  return {
    getOfAgent: async ({ agent, query, connection }) => {
      const provider = service.getProviderFor(query.url ?? '')
      const owner = agents.ownerOf(agent)
      if (query.listen === undefined) return await service.get(provider, owner)
      return await service.waitFor(provider, owner, connection.closed())
    },
  }
}
