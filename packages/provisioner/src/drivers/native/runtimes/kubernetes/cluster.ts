import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type * as Library from '@kubernetes/client-node'
import type { KubeConfig, KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node'
import { ProvisionError } from '../../../../driver.ts'
import { ClusterRefusal, clusterFailure } from './cluster-failure.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { headerOf, kinds, pathOf, type Kind, type Kinds, type ObjectName, type Selection } from './kinds.ts'

/** Marks the fields that Berth sets in objects that others change too. */
const fieldManager = 'berth'
/** A cluster that doesn't respond within this time counts as unreachable. */
const responseTimeoutMs = 30_000
/** The pause before a broken watch is resumed. */
const rewatchDelayMs = 1_000
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * The access of one build to a cluster. Methods throw `ProvisionError`, the errors of `decide`, and
 * the reasons of signals.
 */
export class Cluster {
  /** The URL of the cluster's API. */
  readonly server: string
  readonly #library: typeof Library
  readonly #config: KubeConfig
  readonly #objects: KubernetesObjectApi

  private constructor(library: typeof Library, config: KubeConfig, server: string) {
    this.#library = library
    this.#config = config
    this.#objects = library.KubernetesObjectApi.makeApiClient(config)
    this.server = server
  }

  /** Reads the credentials, which may change between builds. Sends nothing to the cluster. */
  static async open(usesKubeconfig: boolean, options: ClusterOptions): Promise<Cluster> {
    const library = await import('@kubernetes/client-node') // takes half a second to load, so only where there is a cluster
    const config = usesKubeconfig ? readKubeconfig(library, options.kubeconfigPaths) : readServiceAccount(library, options.rootDirectory)
    const server = config.getCurrentCluster()?.server
    if (server === undefined) throw new ProvisionError(`the kubeconfig has no cluster for its current context; set current-context in it`)
    return new Cluster(library, config, server)
  }

  /** Creates an object, or changes an existing one to match. */
  async apply(object: KubernetesObject): Promise<void> {
    const { ServerSideApply } = this.#library.PatchStrategy
    await this.#ask(this.#objects.patch(object, undefined, undefined, fieldManager, true, ServerSideApply))
  }

  /** Returns an object; undefined if it doesn't exist. */
  async read<Name extends Kind>(name: ObjectName<Name>): Promise<Kinds[Name] | undefined> {
    return await orUndefined(this.#ask(this.#objects.read<Kinds[Name]>(headerOf(name))))
  }

  /** Starts to remove an object, after the objects it owns. Returns whether it existed. */
  async remove(name: ObjectName): Promise<boolean> {
    const removal = this.#objects.delete(headerOf(name), undefined, undefined, undefined, undefined, 'Foreground')
    return (await orUndefined(this.#ask(removal))) !== undefined
  }

  /** Returns the objects with certain fields, such as the events of a pod. */
  async list<Name extends Kind>(
    { kind, namespace }: Pick<Selection<Name>, 'kind' | 'namespace'>,
    fieldSelector: string,
  ): Promise<Kinds[Name][]> {
    const { apiVersion } = kinds[kind]
    const { items } = await this.#ask(
      this.#objects.list<Kinds[Name]>(apiVersion, kind, namespace, undefined, undefined, undefined, fieldSelector),
    )
    return items
  }

  /**
   * Watches objects until `decide` returns a result or throws. Calls it once at first and then at
   * each change. Resumes a broken watch.
   */
  async until<Name extends Kind, Result>(
    selection: Selection<Name>,
    decide: (objects: readonly Kinds[Name][]) => Result | undefined,
    signal: AbortSignal,
  ): Promise<Result> {
    signal.throwIfAborted()
    for (;;) {
      try {
        const result = await this.#watchOnce(selection, decide, signal)
        if (result !== undefined) return result
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof WatchBroken) || error.failure instanceof ClusterRefusal) {
          throw error instanceof WatchBroken ? error.failure : error
        }
        await delay(rewatchDelayMs, undefined, { signal })
      }
    }
  }

  async #watchOnce<Name extends Kind, Result>(
    selection: Selection<Name>,
    decide: (objects: readonly Kinds[Name][]) => Result | undefined,
    signal: AbortSignal,
  ): Promise<Result | undefined> {
    const { kind, namespace, labelSelector } = selection
    const { apiVersion } = kinds[kind]
    const list = async () =>
      await this.#ask(
        this.#objects.list<Kinds[Name]>(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labelSelector),
      )
    const watch = new this.#library.Watch(this.#config)
    const informer = new this.#library.ListWatch<Kinds[Name]>(pathOf(selection), watch, list, false, labelSelector)
    const stopWatching = new AbortController()
    try {
      return await new Promise<Result | undefined>((resolve, reject) => {
        const look = (): void => {
          try {
            const result = decide(informer.list(namespace))
            if (result !== undefined) resolve(result)
          } catch (error) {
            reject(error)
          }
        }
        signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stopWatching.signal })
        informer.on('change', look)
        informer.on('error', (error: unknown) => reject(new WatchBroken(clusterFailure(error, this.server))))
        informer.start().then(look, reject)
      })
    } finally {
      stopWatching.abort()
      await informer.stop()
    }
  }

  async #ask<Answer>(request: Promise<Answer>): Promise<Answer> {
    const patience = new AbortController()
    try {
      const silence = delay(responseTimeoutMs, undefined, { signal: patience.signal }).then(() => {
        throw new Error(`no response within ${responseTimeoutMs / 1000} s`)
      })
      return await Promise.race([request, silence])
    } catch (error) {
      throw clusterFailure(error, this.server)
    } finally {
      patience.abort()
    }
  }
}

/** Thrown when a watch ends without a decision. */
class WatchBroken extends Error {
  readonly failure: ProvisionError

  constructor(failure: ProvisionError) {
    super(failure.message)
    this.failure = failure
  }
}

function readKubeconfig(library: typeof Library, paths: readonly string[]): KubeConfig {
  const found = paths.filter((path) => existsSync(path))
  if (found.length === 0)
    throw new ProvisionError(`there is no kubeconfig at ${paths.join(', ')}; put one there or set use_kubeconfig to false`)
  const [first, ...more] = found.map((path) => {
    const config = new library.KubeConfig()
    try {
      config.loadFromFile(path)
    } catch (error) {
      throw new ProvisionError(`can't read the kubeconfig ${path}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
    return config
  })
  const config = first ?? new library.KubeConfig()
  for (const other of more) config.mergeConfig(other)
  return config
}

function readServiceAccount(library: typeof Library, rootDirectory = '/'): KubeConfig {
  if (!existsSync(join(rootDirectory, tokenPath)))
    throw new ProvisionError('the server is not running in a cluster or has no service account there; set use_kubeconfig to true')
  const config = new library.KubeConfig()
  config.loadFromCluster(rootDirectory.replace(/\/$/, ''))
  return config
}

async function orUndefined<Answer>(request: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await request
  } catch (error) {
    if (error instanceof ClusterRefusal && error.code === 404) return undefined
    throw error
  }
}
