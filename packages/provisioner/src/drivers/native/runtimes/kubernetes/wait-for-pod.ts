import type { V1Deployment, V1Pod } from '@kubernetes/client-node'
import { ProvisionError } from '../../../../driver.ts'
import type { RuntimeRequest } from '../runtime.ts'
import type { Cluster } from './cluster.ts'
import type { Patience } from './patience.ts'
import { deploymentRefusal, podProgress, type Progress } from './pod-progress.ts'
import { createTimeLimit } from './time-limit.ts'
import { everythingThatRuns, podsOf, type WorkspaceStart } from './workspace-objects.ts'

/**
 * Waits until the containers of a start run, and logs the progress. Throws `ProvisionError` with
 * the reason if they don't.
 */
export async function waitForPod(
  cluster: Cluster,
  start: WorkspaceStart,
  { startTimeoutMs, stuckTimeoutMs, log, signal }: Omit<Patience, 'stopTimeoutMs'> & Pick<RuntimeRequest, 'log' | 'signal'>,
): Promise<void> {
  const [limit, stuck, over] = [createTimeLimit(), createTimeLimit(), new AbortController()]
  const ends = AbortSignal.any([signal, limit.signal, stuck.signal, over.signal])
  let last: { readonly reason: string; readonly pods: readonly V1Pod[] } = { reason: 'the cluster has not reported its pod', pods: [] }
  const look = (pods: readonly V1Pod[]): true | undefined => {
    const progress: Progress = podProgress(pods)
    if (progress.state === 'running') return true
    if (progress.state === 'failed') throw new ProvisionError(progress.reason)
    if (progress.state === 'stuck') stuck.start(stuckTimeoutMs)
    else stuck.clear()
    if (progress.reason !== last.reason) void log('info', sentence(progress.reason)) // never rejects
    last = { reason: progress.reason, pods }
    return undefined
  }
  const { Deployment } = everythingThatRuns(start.metadata.workspace_id, start.settings.place.namespace)
  limit.start(startTimeoutMs)
  try {
    await Promise.race([cluster.until(podsOf(start), look, ends), cluster.until(Deployment, refuse, ends)])
  } catch (error) {
    if (!limit.signal.aborted && !stuck.signal.aborted) throw error
    const causes = await warningsOf(last.pods[0], { cluster, start })
    throw new ProvisionError([`the workspace did not start in time: ${last.reason}`, ...causes].join('\n'), { cause: error })
  } finally {
    over.abort()
    limit.clear()
    stuck.clear()
  }
}

/** Throws if the cluster refuses to create the pod, which only its deployment reports. */
function refuse(deployments: readonly V1Deployment[]): undefined {
  for (const deployment of deployments) {
    const refusal = deploymentRefusal(deployment)
    if (refusal !== undefined) throw new ProvisionError(refusal)
  }
}

const maxWarnings = 5

/**
 * Returns the last warnings about a pod, such as a volume that can't be attached. Returns none if
 * the server may not read events.
 */
async function warningsOf(
  pod: V1Pod | undefined,
  { cluster, start }: { readonly cluster: Cluster; readonly start: WorkspaceStart },
): Promise<string[]> {
  const uid = pod?.metadata?.uid
  if (uid === undefined) return []
  const { namespace } = start.settings.place
  try {
    const events = await cluster.list({ kind: 'Event', namespace }, `involvedObject.uid=${uid},type=Warning`)
    return events.slice(-maxWarnings).map(({ reason = 'Warning', message = '' }) => `${reason}: ${message}`)
  } catch {
    return [] // the known reason must be reported either way
  }
}

function sentence(phrase: string): string {
  return `${phrase.charAt(0).toUpperCase()}${phrase.slice(1)}${/[.!?]$/.test(phrase) ? '' : '.'}`
}
