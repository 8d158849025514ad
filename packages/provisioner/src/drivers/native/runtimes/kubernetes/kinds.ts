import type { CoreV1Event, V1Deployment, V1PersistentVolumeClaim, V1Pod, V1Secret } from '@kubernetes/client-node'

/**
 * The kinds of objects that the runtime uses. The README of the starter template lists the rights
 * for them.
 */
export interface Kinds {
  readonly Deployment: V1Deployment
  readonly Event: CoreV1Event
  readonly PersistentVolumeClaim: V1PersistentVolumeClaim
  readonly Pod: V1Pod
  readonly Secret: V1Secret
}

export type Kind = keyof Kinds

/** The API version of each kind, and its name in paths. */
export const kinds: Readonly<Record<Kind, { readonly apiVersion: string; readonly plural: string }>> = {
  Deployment: { apiVersion: 'apps/v1', plural: 'deployments' },
  Event: { apiVersion: 'v1', plural: 'events' },
  PersistentVolumeClaim: { apiVersion: 'v1', plural: 'persistentvolumeclaims' },
  Pod: { apiVersion: 'v1', plural: 'pods' },
  Secret: { apiVersion: 'v1', plural: 'secrets' },
}

/** Identifies an object. */
export interface ObjectName<Name extends Kind = Kind> {
  readonly kind: Name
  readonly name: string
  readonly namespace: string
}

/** Selects objects of one kind by their labels: `key=value`, separated by commas. */
export interface Selection<Name extends Kind = Kind> {
  readonly kind: Name
  readonly namespace: string
  readonly labelSelector: string
}

/** Returns the path of all objects of a kind in a namespace. */
export function pathOf({ kind, namespace }: Pick<Selection, 'kind' | 'namespace'>): string {
  const { apiVersion, plural } = kinds[kind]
  return `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/namespaces/${namespace}/${plural}`
}

/**
 * Returns the header that the client needs to read or remove an object. It is new each time,
 * because the client changes it.
 */
export function headerOf({ kind, name, namespace }: ObjectName): {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace: string }
} {
  return { apiVersion: kinds[kind].apiVersion, kind, metadata: { name, namespace } }
}
