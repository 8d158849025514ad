import type { V1ContainerStatus, V1Deployment, V1Pod } from '@kubernetes/client-node'

/** The progress of a starting workspace. `reason` is a phrase. `stuck` rarely resolves itself. */
export type Progress = { readonly state: 'running' } | { readonly state: 'waiting' | 'stuck' | 'failed'; readonly reason: string }

/** Reasons that waiting doesn't resolve. */
const hopeless = new Set(['InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError', 'CrashLoopBackOff', 'RunContainerError'])
/**
 * Reasons why an image can't be pulled: its name is wrong, or the registry is temporarily
 * unavailable.
 */
const doubtful = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable', 'ImageInspectError', 'CreateContainerError'])
/** Part of the message while a node still fetches the objects that a pod uses. It tries again. */
const syncing = /failed to sync \w+ cache/

/** Returns the progress of a start, from its newest pod. */
export function podProgress(pods: readonly V1Pod[]): Progress {
  const [pod] = pods.toSorted((one, other) => createdAt(other) - createdAt(one))
  if (pod === undefined) return { state: 'waiting', reason: 'the cluster is creating the pod' }
  const { phase, message, conditions = [], containerStatuses = [] } = pod.status ?? {}
  if (phase === 'Failed') return { state: 'waiting', reason: `the pod ended and is being recreated: ${message ?? 'no reason given'}` }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False')
    return { state: 'waiting', reason: `no node accepts the pod: ${scheduled.message ?? scheduled.reason ?? 'no reason given'}` }
  const troubles = containerStatuses.map(containerTrouble).filter((trouble) => trouble !== undefined)
  const worst = ['failed', 'stuck', 'waiting'].map((state) => troubles.find((trouble) => trouble.state === state)).find(Boolean)
  if (worst !== undefined) return worst
  if (containerStatuses.length > 0 && containerStatuses.every(({ state }) => state?.running !== undefined)) return { state: 'running' }
  return {
    state: 'waiting',
    reason: pod.spec?.nodeName === undefined ? 'the pod is waiting for a node' : 'the node is creating the containers',
  }
}

/**
 * Returns why the cluster refuses to create the pod, such as a quota or a policy; undefined if it
 * doesn't.
 */
export function deploymentRefusal(deployment: V1Deployment): string | undefined {
  const refusal = (deployment.status?.conditions ?? []).find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  return refusal === undefined ? undefined : `the cluster refuses the pod: ${refusal.message ?? refusal.reason ?? 'no reason given'}`
}

function containerTrouble({ name, state, lastState }: V1ContainerStatus): Exclude<Progress, { state: 'running' }> | undefined {
  const { waiting, terminated } = state ?? {}
  const end = terminated ?? lastState?.terminated
  const ended = end === undefined ? undefined : `it exited with status ${end.exitCode}${end.message ? `: ${end.message.trim()}` : ''}`
  if (terminated !== undefined) return { state: 'waiting', reason: `container ${name} is restarting: ${ended}` }
  const { reason, message } = waiting ?? {}
  if (reason === undefined || reason === 'ContainerCreating' || reason === 'PodInitializing') return undefined
  const text = `container ${name} doesn't start: ${reason}${message ? `: ${message}` : ''}${ended === undefined ? '' : `; ${ended}`}`
  if (syncing.test(message ?? '')) return { state: 'waiting', reason: text }
  return { state: hopeless.has(reason) ? 'failed' : doubtful.has(reason) ? 'stuck' : 'waiting', reason: text }
}

function createdAt({ metadata }: V1Pod): number {
  return new Date(metadata?.creationTimestamp ?? 0).getTime()
}
