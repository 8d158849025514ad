import { ProvisionError } from '../../../../driver.ts'
import type { RuntimeRequest } from '../runtime.ts'
import { ClusterRefusal } from './cluster-failure.ts'
import type { Cluster } from './cluster.ts'
import { homeVolume, workspaceObjects, type WorkspaceStart } from './workspace-objects.ts'

/**
 * Creates the home volume of a workspace, or enlarges an existing one. If the cluster refuses, the
 * volume stays as it is.
 */
export async function ensureHomeVolume(cluster: Cluster, start: WorkspaceStart, log: RuntimeRequest['log']): Promise<void> {
  const { place, home } = start.settings
  const { PersistentVolumeClaim: volume } = workspaceObjects(start.metadata.workspace_id, place.namespace)
  const present = await cluster.read(volume)
  if (present === undefined) {
    await cluster.apply(homeVolume(start))
    await log('info', `Created the volume ${volume.name} with ${home.size}.`)
    return
  }
  if (present.metadata?.deletionTimestamp !== undefined)
    throw new ProvisionError(`the volume ${volume.name} is being removed; try again when it is gone`)
  const { resources, storageClassName } = present.spec ?? {}
  if (resources?.requests?.['storage'] === home.size && (home.storageClass ?? storageClassName) === storageClassName) return
  try {
    await cluster.apply(homeVolume(start))
    await log('info', `Changing the home volume to ${home.size}.`)
  } catch (error) {
    if (!(error instanceof ClusterRefusal)) throw error
    await log('warn', `The home volume was not changed: ${error.message}`)
  }
}
