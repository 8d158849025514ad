import type { applications } from '@berth/schema'
import { Answer } from '../../http/answer.ts'
import type { Handlers } from '../../http/serve.ts'
import type { AppSignIn } from './app-sign-in.ts'
import type { DeploymentService } from '../deployment/service.ts'

export function applicationRoutes<Found, Agent>(
  service: DeploymentService,
  signIn: AppSignIn,
): Handlers<typeof applications, Found, Agent> {
  return {
    getHost: async () => ({ host: service.appHost() }),
    authRedirect: async ({ actor, query }) =>
      new Answer(undefined, { location: await signIn.redirectUrl(actor, query.redirect_uri ?? '') }),
  }
}
