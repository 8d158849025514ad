import { Admissions } from '../app-proxy/admissions.ts'
import { AppConnections } from '../app-proxy/app-connections.ts'
import { AppFront } from '../app-proxy/app-front.ts'
import { AppSignIn } from '../features/apps/app-sign-in.ts'
import { AppVisits } from '../app-proxy/app-visits.ts'
import { PortShares } from '../features/apps/port-shares.ts'
import { AppService } from '../features/apps/service.ts'
import { AppStore } from '../features/apps/store.ts'
import { SESSIONS_CHANNEL, WORKSPACES_CHANNEL } from '../database/channels.ts'
import { openAgentValues } from '../secrets/agent-values.ts'
import type { Area, World } from './area.ts'
import type { ConnectionServices } from './connections.ts'
import type { DeploymentServices } from './deployment.ts'
import type { PeopleServices } from './people.ts'

/** Apps and ports of workspaces, and the ways to them. */
export interface AppServices {
  readonly apps: AppService
  readonly appSignIn: AppSignIn
  readonly appFront: AppFront
  readonly portShares: PortShares
}

type Earlier = Pick<PeopleServices, 'sessions' | 'openSessions' | 'audit'> &
  Pick<ConnectionServices, 'agentDialer'> &
  Pick<DeploymentServices, 'deployment'>

export function composeApps(world: World, { sessions, openSessions, audit, agentDialer, deployment }: Earlier): Area<AppServices> {
  const { config, database, pubsub, secrets, clock, accessUrl, appsUrl } = world
  const admissions = new Admissions(clock)
  const store = new AppStore(database.kysely)
  const apps = new AppService({
    store,
    openValues: (agentId, sealed) => openAgentValues(secrets, agentId, sealed),
  })
  const appSignIn = new AppSignIn({ ...config, sessions, accessUrl })
  const visits = new AppVisits({
    ...config,
    service: apps,
    sessions,
    openSessions,
    connections: new AppConnections(agentDialer),
    admissions,
    accessUrl,
  })
  const stopListening = [
    pubsub.subscribe(SESSIONS_CHANNEL, () => admissions.forget()),
    pubsub.subscribe(WORKSPACES_CHANNEL, async (message) => {
      admissions.forget()
      await visits.recheckShares(message.kind === 'resync' ? undefined : message.payload)
    }),
  ]
  const appFront = new AppFront({ ...config, visits, signIn: appSignIn, accessUrl, appsUrl })
  const portShares = new PortShares({
    forgetAdmissions: () => admissions.forget(),
    database,
    store,
    audit,
    accessUrl,
    appHost: () => deployment.appHost(),
  })
  return {
    services: { apps, appSignIn, appFront, portShares },
    release: () => visits.close(),
    stop() {
      for (const stop of stopListening) stop()
    },
  }
}
