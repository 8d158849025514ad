import { ProvisionError } from '../../../../driver.ts'
import type { RuntimeRequest } from '../runtime.ts'
import { ClusterRefusal } from './cluster-failure.ts'
import type { Cluster } from './cluster.ts'
import { homeVolume, workspaceObjects, type WorkspaceStart } from './workspace-objects.ts'

/** Makes the volume of a workspace. One that is there keeps its files: it is made larger at most, and where the cluster won't, it stays as it is. */
export async function ensureHomeVolume(cluster: Cluster, start: WorkspaceStart, log: RuntimeRequest['log']): Promise<void> {
  const { place, home } = start.settings
  const { PersistentVolumeClaim: volume } = workspaceObjects(start.metadata.workspace_id, place.namespace)
  const present = await cluster.read(volume)
  if (present === undefined) {
    await cluster.apply(homeVolume(start))
    await log('info', `Made the volume ${volume.name} of ${home.size}.`)
    return
  }
  if (present.metadata?.deletionTimestamp !== undefined)
    throw new ProvisionError(`the volume ${volume.name} is being removed; build again when it is gone`)
  const { resources, storageClassName } = present.spec ?? {}
  if (resources?.requests?.['storage'] === home.size && (home.storageClass ?? storageClassName) === storageClassName) return
  try {
    await cluster.apply(homeVolume(start))
    await log('info', `The volume of the home becomes ${home.size} large.`)
  } catch (error) {
    if (!(error instanceof ClusterRefusal)) throw error
    await log('warn', `The volume of the home stays as it is: ${error.message}`)
  }
}
