import type { deployment } from '@berth/schema'
import type { Handlers } from '../../http/serve.ts'

/** @param version The version that the server reports. */
export function deploymentRoutes<Found, Agent>({ version }: { readonly version: string }): Handlers<typeof deployment, Found, Agent> {
  return {
    greet: async () => ({ message: '👋' }),
    buildInfo: async () => ({ external_url: 'https://github.com/berth-dev/berth', version }),
  }
}
