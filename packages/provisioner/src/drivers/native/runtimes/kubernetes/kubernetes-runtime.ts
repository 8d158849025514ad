import { randomUUID } from 'node:crypto'
import { ProvisionError, type ProvisionMetadata } from '../../../../driver.ts'
import { readRuntimeState, writeRuntimeState } from '../runtime-state.ts'
import type { Runtime, RuntimeRequest, RuntimeStart } from '../runtime.ts'
import { Cluster } from './cluster.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { ensureHomeVolume } from './home-volume.ts'
import { KubernetesState } from './kubernetes-state.ts'
import { kubernetesSettings, type ClusterPlace } from './settings.ts'
import { createTimeLimit } from './time-limit.ts'
import { defaultPatience, type Patience } from './patience.ts'
import { waitForPod } from './wait-for-pod.ts'
import { everythingThatRuns, tokenSecret, workspaceDeployment, workspaceObjects, type WorkspaceStart } from './workspace-objects.ts'

/** The settings of the runtime `kubernetes`. Time limits default to {@link defaultPatience}. */
export interface KubernetesRuntimeOptions extends ClusterOptions, Partial<Patience> {}

/**
 * Creates the runtime `kubernetes`: a workspace is a deployment of one pod on a cluster, and a
 * volume that remains when it stops.
 */
export function createKubernetesRuntime(options: KubernetesRuntimeOptions): Runtime {
  return new KubernetesRuntime(options)
}

class KubernetesRuntime implements Runtime {
  readonly resourceType = 'kubernetes_workspace'
  readonly machine = { os: 'linux', arch: 'amd64' }
  readonly #options: ClusterOptions
  readonly #patience: Patience

  constructor(options: KubernetesRuntimeOptions) {
    this.#options = options
    this.#patience = { ...defaultPatience, ...options }
  }

  async start(request: RuntimeStart): Promise<Uint8Array> {
    const { metadata, agents, blocks, log } = request
    if (blocks.kubernetes === undefined) throw new ProvisionError('the template has no kubernetes block; add one')
    const start: WorkspaceStart = { metadata, agents, settings: kubernetesSettings(blocks.kubernetes), startId: randomUUID() }
    const { place } = start.settings
    refuseLoopback(metadata.access_url)
    const elsewhere = placesOf(request).filter((other) => !isSame(other, place))
    const state = stateOf(metadata, [...elsewhere, place])
    const cluster = await this.#open(place)
    for (const other of elsewhere) {
      await this.#end(other, request)
      await log(
        'info',
        `The workspace is now in the namespace ${place.namespace}. Its files in ${other.namespace} remain there until it is deleted.`,
      )
    }
    try {
      await this.#bringUp(cluster, start, request)
    } catch (error) {
      // Nothing may keep running and cost money. The state says what may exist, so that a delete
      // finds the volume.
      await this.#end(place, { metadata, signal: new AbortController().signal }).catch((secondary: unknown) =>
        log('warn', messageOf(secondary)),
      )
      throw new ProvisionError(request.signal.aborted ? 'the start was canceled' : messageOf(error), { state, cause: error })
    }
    return state
  }

  async stop(request: RuntimeRequest): Promise<Uint8Array> {
    const places = placesOf(request)
    const ended = await Promise.all(places.map(async (place) => await this.#end(place, request)))
    await request.log('info', ended.includes(true) ? 'Stopped the pod of the workspace.' : 'The workspace was not running.')
    return stateOf(request.metadata, places)
  }

  async delete(request: RuntimeRequest): Promise<void> {
    const { metadata, log } = request
    const isOrphaning = request.state.length === 0
    for (const place of placesOf(request)) {
      await this.#end(place, request)
      const cluster = await this.#open(place)
      const { PersistentVolumeClaim: volume } = workspaceObjects(metadata.workspace_id, place.namespace)
      const isThere = isOrphaning ? (await cluster.read(volume)) !== undefined : await cluster.remove(volume)
      if (!isThere) continue
      if (isOrphaning)
        await log(
          'warn',
          `Deleting the workspace without its state. Its files remain in the volume ${volume.name} in the namespace ${place.namespace}.`,
        )
      else await log('info', `Removed the volume of the workspace in the namespace ${place.namespace}.`)
    }
  }

  async #open({ use_kubeconfig }: ClusterPlace): Promise<Cluster> {
    return await Cluster.open(use_kubeconfig, this.#options)
  }

  async #bringUp(cluster: Cluster, start: WorkspaceStart, request: RuntimeStart): Promise<void> {
    const { place } = start.settings
    const { Deployment } = workspaceObjects(start.metadata.workspace_id, place.namespace)
    // An interrupted stop is completed first: objects that are being deleted can't be changed.
    if ((await cluster.read(Deployment))?.metadata?.deletionTimestamp !== undefined) await this.#end(place, request)
    await ensureHomeVolume(cluster, start, request.log)
    request.signal.throwIfAborted()
    await cluster.apply(tokenSecret(start))
    await cluster.apply(workspaceDeployment(start))
    await request.log('info', `Made the deployment ${Deployment.name} in ${place.namespace} at ${cluster.server}.`)
    await waitForPod(cluster, start, { ...this.#patience, ...request })
  }

  /**
   * Removes the running parts of a workspace and waits until they are gone. Returns whether there
   * were any.
   */
  async #end(place: ClusterPlace, { metadata, signal }: Pick<RuntimeRequest, 'metadata' | 'signal'>): Promise<boolean> {
    const cluster = await this.#open(place)
    const { Deployment, Secret } = workspaceObjects(metadata.workspace_id, place.namespace)
    const wasThere = await cluster.remove(Deployment)
    await cluster.remove(Secret)
    const { stopTimeoutMs } = this.#patience
    const limit = createTimeLimit()
    limit.start(stopTimeoutMs)
    try {
      const running = everythingThatRuns(metadata.workspace_id, place.namespace)
      const ends = AbortSignal.any([signal, limit.signal])
      await Promise.all([cluster.until(running.Deployment, noneLeft, ends), cluster.until(running.Pod, noneLeft, ends)])
    } catch (error) {
      if (!limit.signal.aborted) throw error
      throw new ProvisionError(
        `the pod of the workspace did not end within ${stopTimeoutMs / 1000} s; check that its node is running, then try again`,
        { cause: error },
      )
    } finally {
      limit.clear()
    }
    return wasThere
  }
}

function noneLeft(objects: readonly unknown[]): true | undefined {
  return objects.length === 0 ? true : undefined
}

/** Returns the places where the workspace is or was, the newest last. */
function placesOf({ state, blocks }: RuntimeRequest): ClusterPlace[] {
  const known = readRuntimeState(KubernetesState, state)?.places
  if (known !== undefined) return known
  return blocks.kubernetes === undefined ? [] : [kubernetesSettings(blocks.kubernetes).place]
}

function stateOf({ workspace_id }: ProvisionMetadata, places: readonly ClusterPlace[]): Uint8Array {
  const state: KubernetesState = { version: 1, runtime: 'kubernetes', workspace_id, places: [...places] }
  return writeRuntimeState(state)
}

function isSame(one: ClusterPlace, other: ClusterPlace): boolean {
  return one.namespace === other.namespace && one.use_kubeconfig === other.use_kubeconfig
}

/** Refuses an access URL with a loopback address, which is the pod itself inside a pod. */
function refuseLoopback(accessUrl: string): void {
  const { hostname } = new URL(accessUrl)
  if (!/^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(hostname)) return
  throw new ProvisionError(`pods can't reach the server at ${accessUrl}; set BERTH_ACCESS_URL to a URL that they can reach`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
