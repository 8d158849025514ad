import type { V1Pod } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { deploymentRefusal, podProgress } from './pod-progress.ts'

/* The statuses are written as the API sends them, with times as text. */
function pod(
  status: unknown,
  { created = '2026-01-01T00:00:00Z', spec = { nodeName: 'node', containers: [] } }: { created?: string; spec?: unknown } = {},
): V1Pod {
  return { metadata: { creationTimestamp: created }, spec, status } as unknown as V1Pod
}

function container(state: unknown, lastState?: unknown): V1Pod {
  return pod({ phase: 'Pending', containerStatuses: [{ name: 'main', state, lastState }] })
}

test('a pod runs when all its containers do', () => {
  expect(podProgress([container({ running: { startedAt: '2026-01-01T00:00:00Z' } })])).toEqual({ state: 'running' })
  const half = pod({
    containerStatuses: [
      { name: 'main', state: { running: {} } },
      { name: 'side', state: { waiting: { reason: 'ContainerCreating' } } },
    ],
  })
  expect(podProgress([half])).toEqual({ state: 'waiting', reason: 'the node makes the containers' })
})

describe('what is waited for is told', () => {
  test.each([
    ['no pod yet', [], 'the cluster makes the pod'],
    ['no node yet', [pod({ phase: 'Pending' }, { spec: { containers: [] } })], 'the pod waits for a node'],
    [
      'no node that fits',
      [pod({ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available: 3 Insufficient cpu.' }] })],
      'no node takes the pod: 0/3 nodes are available: 3 Insufficient cpu.',
    ],
    ['containers that are made', [container({ waiting: { reason: 'ContainerCreating' } })], 'the node makes the containers'],
    [
      'an eviction',
      [pod({ phase: 'Failed', message: 'The node was low on memory.' })],
      'the pod ended and is made anew: The node was low on memory.',
    ],
    [
      'a container that ended once',
      [container({ terminated: { exitCode: 128, message: 'exec: "sh": not found' } })],
      'container main is started again: it ended with status 128: exec: "sh": not found',
    ],
  ])('%s', (_, pods, reason) => {
    expect(podProgress(pods)).toEqual({ state: 'waiting', reason })
  })
})

test.each(['ErrImagePull', 'ImagePullBackOff'])('an image that does not come (%s) may come yet', (reason) => {
  expect(podProgress([container({ waiting: { reason, message: 'not found' } })])).toEqual({
    state: 'stuck',
    reason: `container main does not start: ${reason}: not found`,
  })
})

test.each(['InvalidImageName', 'CreateContainerConfigError', 'CrashLoopBackOff'])('%s does not get better', (reason) => {
  expect(podProgress([container({ waiting: { reason, message: 'why' } }, { terminated: { exitCode: 3 } })])).toEqual({
    state: 'failed',
    reason: `container main does not start: ${reason}: why; it ended with status 3`,
  })
})

test('the worst of several containers is told, and the newest of several pods', () => {
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

test('a deployment tells that its pod may not be made', () => {
  expect(deploymentRefusal({ status: { conditions: [] } })).toBeUndefined()
  expect(
    deploymentRefusal({ status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: small' }] } }),
  ).toBe('the cluster refuses the pod: exceeded quota: small')
})
