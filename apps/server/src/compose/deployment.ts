import { DeploymentService } from '../features/deployment/service.ts'
import { DeploymentStore } from '../features/deployment/store.ts'
import { RetentionLoop } from '../features/retention/retention-loop.ts'
import { RetentionStore } from '../features/retention/store.ts'
import { SECRETS_CHANNEL } from '../database/channels.ts'
import { version } from '../version.ts'
import type { Area, World } from './area.ts'

/** Services of the deployment as a whole. */
export interface DeploymentServices {
  readonly deployment: DeploymentService
  readonly retention: RetentionLoop
  /** The URL at which people and agents reach the server. */
  readonly accessUrl: string
}

export function composeDeployment({ config, database, pubsub, secrets, clock, logger, accessUrl }: World): Area<DeploymentServices> {
  const queries = database.kysely
  const deployment = new DeploymentService({ config, store: new DeploymentStore(queries), accessUrl, version, logger })
  const retention = new RetentionLoop({ store: new RetentionStore(queries), clock, logger, keep: config.retention })
  const stopReloading = pubsub.subscribe(SECRETS_CHANNEL, () => secrets.reload())
  return {
    services: { deployment, retention, accessUrl },
    start() {
      retention.start()
      deployment.start()
    },
    async stop() {
      stopReloading()
      await Promise.all([retention.stop(), deployment.stop()])
    },
  }
}
