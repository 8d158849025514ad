import type { portShares } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { PortShares } from './port-shares.ts'

export function portShareRoutes<Agent>(service: PortShares): Handlers<typeof portShares, FoundByPath, Agent> {
  return {
    list: async ({ workspaceagent, workspace }) => ({ shares: await service.list({ workspaceagent, workspace }) }),
    update: async ({ actor, workspaceagent, workspace, params, body }) =>
      await service.update(actor, { workspaceagent, workspace }, { ...body, port: params.port }),
  }
}
