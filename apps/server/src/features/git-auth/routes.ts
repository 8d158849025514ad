import type { gitAuth } from '@berth/schema'
import type { AgentRow } from '../../database/rows.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AgentService } from '../agents/service.ts'
import type { GitAuthService } from './service.ts'

export function gitAuthRoutes(service: GitAuthService, agents: AgentService): Handlers<typeof gitAuth, FoundByPath, AgentRow> {
  return {
    getOfAgent: async ({ agent, query, connection }) => {
      const provider = service.getProviderFor(query.url ?? '')
      const owner = await agents.getOwner(agent)
      if (query.listen === undefined) return await service.get(provider, owner)
      return await service.waitFor(provider, owner, connection.closed())
    },
  }
}
