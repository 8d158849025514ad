import { composeApps, type AppServices } from './apps.ts'
import type { Area, World } from './area.ts'
import { composeConnections, type ConnectionServices } from './connections.ts'
import { composeDeployment, type DeploymentServices } from './deployment.ts'
import { composePeople, type PeopleServices } from './people.ts'
import { composeReplicas, type ReplicaServices } from './replicas.ts'
import { composeTemplates, type TemplateServices } from './templates.ts'
import { composeWorkspaces, type WorkspaceServices } from './workspaces.ts'

export type { World } from './area.ts'

/** Everything that the server is made of. */
export interface Services
  extends DeploymentServices, PeopleServices, TemplateServices, ReplicaServices, ConnectionServices, AppServices, WorkspaceServices {
  /** Begins the work that no request asks for: workers, leases, heartbeats. */
  start(): Promise<void>
  /** Ends it gracefully: takes no new work, and ends what is under way. */
  stop(): Promise<void>
}

/**
 * Builds every service. Areas start in the order in which they are composed, and stop in the
 * reverse order.
 */
export function compose(world: World): Services {
  const areas: Area<unknown>[] = []
  const add = <AreaServices>(area: Area<AreaServices>): AreaServices => {
    areas.push(area)
    return area.services
  }
  const deployment = add(composeDeployment(world))
  const people = add(composePeople(world))
  const templates = add(composeTemplates(world, people))
  const replicas = add(composeReplicas(world))
  const connections = add(composeConnections(world, { ...deployment, ...replicas }))
  const apps = add(composeApps(world, { ...deployment, ...people, ...connections }))
  const workspaces = add(composeWorkspaces(world, { ...people, ...templates, ...connections }))
  return {
    ...deployment,
    ...people,
    ...templates,
    ...replicas,
    ...connections,
    ...apps,
    ...workspaces,
    async start() {
      for (const area of areas) await area.start?.()
    },
    async stop() {
      // Jobs may take longer to end than the listeners leave waiting requests open.
      await Promise.all([...areas.map(async (area) => await area.release?.()), stopBackward(areas)])
    },
  }
}

async function stopBackward(areas: readonly Area<unknown>[]): Promise<void> {
  for (const area of areas.toReversed()) await area.stop?.()
}
