import type { V1Pod } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { deploymentRefusal, podProgress } from './pod-progress.ts'

/* The statuses are as the API sends them, with times as text. */
function pod(
  status: unknown,
  { created = '2026-01-01T00:00:00Z', spec = { nodeName: 'node', containers: [] } }: { created?: string; spec?: unknown } = {},
): V1Pod {
  return { metadata: { creationTimestamp: created }, spec, status } as unknown as V1Pod
}

function container(state: unknown, lastState?: unknown): V1Pod {
  return pod({ phase: 'Pending', containerStatuses: [{ name: 'main', state, lastState }] })
}

test('a pod runs when all its containers run', () => {
  expect(podProgress([container({ running: { startedAt: '2026-01-01T00:00:00Z' } })])).toEqual({ state: 'running' })
  const half = pod({
    containerStatuses: [
      { name: 'main', state: { running: {} } },
      { name: 'side', state: { waiting: { reason: 'ContainerCreating' } } },
    ],
  })
  expect(podProgress([half])).toEqual({ state: 'waiting', reason: 'the node is creating the containers' })
})

describe('the reason of a wait is reported', () => {
  test.each([
    ['no pod yet', [], 'the cluster is creating the pod'],
    ['no node yet', [pod({ phase: 'Pending' }, { spec: { containers: [] } })], 'the pod is waiting for a node'],
    [
      'no node that fits',
      [pod({ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available: 3 Insufficient cpu.' }] })],
      'no node accepts the pod: 0/3 nodes are available: 3 Insufficient cpu.',
    ],
    ['containers being created', [container({ waiting: { reason: 'ContainerCreating' } })], 'the node is creating the containers'],
    [
      'a node that is behind',
      [container({ waiting: { reason: 'CreateContainerConfigError', message: 'failed to sync secret cache: timed out' } })],
      "container main doesn't start: CreateContainerConfigError: failed to sync secret cache: timed out",
    ],
    [
      'an eviction',
      [pod({ phase: 'Failed', message: 'The node was low on memory.' })],
      'the pod ended and is being recreated: The node was low on memory.',
    ],
    [
      'a container that ended once',
      [container({ terminated: { exitCode: 128, message: 'exec: "sh": not found' } })],
      'container main is restarting: it exited with status 128: exec: "sh": not found',
    ],
  ])('%s', (_, pods, reason) => {
    expect(podProgress(pods)).toEqual({ state: 'waiting', reason })
  })
})

test.each(['ErrImagePull', 'ImagePullBackOff'])('an image that cannot be pulled (%s) may come later', (reason) => {
  expect(podProgress([container({ waiting: { reason, message: 'not found' } })])).toEqual({
    state: 'stuck',
    reason: `container main doesn't start: ${reason}: not found`,
  })
})

test.each(['InvalidImageName', 'CreateContainerConfigError', 'CrashLoopBackOff'])('%s does not resolve itself', (reason) => {
  expect(podProgress([container({ waiting: { reason, message: 'why' } }, { terminated: { exitCode: 3 } })])).toEqual({
    state: 'failed',
    reason: `container main doesn't start: ${reason}: why; it exited with status 3`,
  })
})

test('the worst of several containers is reported, and the newest of several pods', () => {
  const bad = pod({
    containerStatuses: [
      { name: 'one', state: { waiting: { reason: 'ErrImagePull' } } },
      { name: 'two', state: { waiting: { reason: 'InvalidImageName' } } },
    ],
  })
  expect(podProgress([bad])).toMatchObject({ state: 'failed', reason: expect.stringContaining('two') })
  const running = pod({ containerStatuses: [{ name: 'main', state: { running: {} } }] }, { created: '2026-01-01T00:00:01Z' })
  expect(podProgress([bad, running])).toEqual({ state: 'running' })
})

test('a deployment reports that the cluster refuses its pod', () => {
  expect(deploymentRefusal({ status: { conditions: [] } })).toBeUndefined()
  expect(
    deploymentRefusal({ status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: small' }] } }),
  ).toBe('the cluster refuses the pod: exceeded quota: small')
})
