import type { applications } from '@berth/schema'
import type { Handlers } from '../../http/serve.ts'
import type { DeploymentService } from './service.ts'

export function applicationRoutes<Found, Agent>(service: DeploymentService): Handlers<typeof applications, Found, Agent> {
  return { getHost: async () => ({ host: service.appHost() }) }
}
