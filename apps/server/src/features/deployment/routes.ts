import type { deployment } from '@berth/schema'
import { Answer } from '../../http/answer.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentConfig, presentEntitlements } from './present.ts'
import type { DeploymentService } from './service.ts'

export function deploymentRoutes<Found, Agent>(service: DeploymentService): Handlers<typeof deployment, Found, Agent> {
  return {
    greet: async () => ({ message: '👋' }),
    buildInfo: async () => service.buildInfo(),
    updateCheck: async () => await service.newestRelease(),
    getConfig: async () => presentConfig(service.config),
    getEntitlements: async () => presentEntitlements(service.config),
    getServiceBanner: async () => await service.banner(),
    updateServiceBanner: async ({ body }) => await service.setBanner(body),
    reportCsp: async ({ body }) => {
      service.reportCsp(body)
      return 'ok'
    },
    getOpenApi: async () => new Answer(service.openApi(), { contentType: 'application/json; charset=utf-8' }),
  }
}
