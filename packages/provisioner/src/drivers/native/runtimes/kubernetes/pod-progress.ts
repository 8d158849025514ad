import type { V1ContainerStatus, V1Deployment, V1Pod } from '@kubernetes/client-node'

/** How far a workspace has come up. `reason` is a phrase. `stuck` may mend itself, but seldom does. */
export type Progress = { readonly state: 'running' } | { readonly state: 'waiting' | 'stuck' | 'failed'; readonly reason: string }

/** Reasons that waiting doesn't change. */
const hopeless = new Set(['InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError', 'CrashLoopBackOff', 'RunContainerError'])
/** Reasons of images that can't be fetched: the name is wrong, or the registry is away for a moment. */
const doubtful = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable', 'ImageInspectError', 'CreateContainerError'])

/** What the pods of one start say. The newest counts. */
export function podProgress(pods: readonly V1Pod[]): Progress {
  const [pod] = pods.toSorted((one, other) => createdAt(other) - createdAt(one))
  if (pod === undefined) return { state: 'waiting', reason: 'the cluster makes the pod' }
  const { phase, message, conditions = [], containerStatuses = [] } = pod.status ?? {}
  if (phase === 'Failed') return { state: 'waiting', reason: `the pod ended and is made anew: ${message ?? 'no reason was given'}` }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False')
    return { state: 'waiting', reason: `no node takes the pod: ${scheduled.message ?? scheduled.reason ?? 'no reason was given'}` }
  const troubles = containerStatuses.map(containerTrouble).filter((trouble) => trouble !== undefined)
  const worst = ['failed', 'stuck', 'waiting'].map((state) => troubles.find((trouble) => trouble.state === state)).find(Boolean)
  if (worst !== undefined) return worst
  if (containerStatuses.length > 0 && containerStatuses.every(({ state }) => state?.running !== undefined)) return { state: 'running' }
  return { state: 'waiting', reason: pod.spec?.nodeName === undefined ? 'the pod waits for a node' : 'the node makes the containers' }
}

/** Why the cluster refuses to make the pod, if it does: a quota, a policy. */
export function deploymentRefusal(deployment: V1Deployment): string | undefined {
  const refusal = (deployment.status?.conditions ?? []).find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  return refusal === undefined ? undefined : `the cluster refuses the pod: ${refusal.message ?? refusal.reason ?? 'no reason was given'}`
}

function containerTrouble({ name, state, lastState }: V1ContainerStatus): Exclude<Progress, { state: 'running' }> | undefined {
  const { waiting, terminated } = state ?? {}
  const end = terminated ?? lastState?.terminated
  const ended = end === undefined ? undefined : `it ended with status ${end.exitCode}${end.message ? `: ${end.message.trim()}` : ''}`
  if (terminated !== undefined) return { state: 'waiting', reason: `container ${name} is started again: ${ended}` }
  const { reason, message } = waiting ?? {}
  if (reason === undefined || reason === 'ContainerCreating' || reason === 'PodInitializing') return undefined
  const text = `container ${name} does not start: ${reason}${message ? `: ${message}` : ''}${ended === undefined ? '' : `; ${ended}`}`
  return { state: hopeless.has(reason) ? 'failed' : doubtful.has(reason) ? 'stuck' : 'waiting', reason: text }
}

function createdAt({ metadata }: V1Pod): number {
  return new Date(metadata?.creationTimestamp ?? 0).getTime()
}
