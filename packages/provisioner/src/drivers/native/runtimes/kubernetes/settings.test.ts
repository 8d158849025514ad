import { describe, expect, test } from 'vitest'
import { kubernetesSettings } from './settings.ts'

const least = { namespace: 'workspaces', image: 'debian:12' }

test('absent values have defaults, and empty values are left to the cluster', () => {
  const settings = {
    place: { use_kubeconfig: false, namespace: 'workspaces' },
    image: 'debian:12',
    imagePullSecrets: [],
    serviceAccount: undefined,
    user: 1000,
    hasPrivilegeEscalation: false,
    home: { path: '/home/coder', size: '10Gi', storageClass: undefined },
    limits: {},
    requests: {},
    nodeSelector: {},
    tolerations: [],
  }
  expect(kubernetesSettings(least)).toEqual(settings)
  expect(
    kubernetesSettings({
      ...least,
      use_kubeconfig: '',
      service_account: '',
      image_pull_secrets: [''],
      home: { path: '', size: '', storage_class: '' },
      resources: { cpu: '', memory: '' },
      node_selector: { pool: '' },
    }),
  ).toEqual(settings)
})

test('values are passed on unchanged', () => {
  expect(
    kubernetesSettings({
      ...least,
      use_kubeconfig: 'true',
      image_pull_secrets: ['registry'],
      service_account: 'builder',
      user: 0,
      privilege_escalation: true,
      home: { path: '/root', size: '1Ti', storage_class: 'fast' },
      resources: { cpu: '2', memory: '4Gi', cpu_request: '500m' },
      node_selector: { 'example.com/pool': 'large', gpu: true },
      tolerations: [{ key: 'gpu' }],
    }),
  ).toEqual({
    place: { use_kubeconfig: true, namespace: 'workspaces' },
    image: 'debian:12',
    imagePullSecrets: ['registry'],
    serviceAccount: 'builder',
    user: 0,
    hasPrivilegeEscalation: true,
    home: { path: '/root', size: '1Ti', storageClass: 'fast' },
    limits: { cpu: '2', memory: '4Gi' },
    requests: { cpu: '500m' },
    nodeSelector: { 'example.com/pool': 'large', gpu: 'true' },
    tolerations: [{ key: 'gpu' }],
  })
})

describe('invalid values are named', () => {
  test.each([
    ['use_kubeconfig', { use_kubeconfig: 'maybe' }, 'kubernetes.use_kubeconfig is "maybe"; it must be true or false'],
    ['an empty namespace', { namespace: '' }, 'kubernetes.namespace is ""; it must be at most 63 lower-case letters'],
    ['a path as a namespace', { namespace: '../default' }, 'kubernetes.namespace is "../default"'],
    ['a namespace of 64', { namespace: 'a'.repeat(64) }, 'kubernetes.namespace is'],
    ['an empty image', { image: '' }, 'kubernetes.image is ""; it must be an image name'],
    ['an image with a blank', { image: 'a b' }, 'kubernetes.image is "a b"'],
    ['a relative home', { home: { path: 'home' } }, 'kubernetes.home.path is "home"; it must be an absolute path'],
    ['the root as home', { home: { path: '/' } }, 'kubernetes.home.path is "/"'],
  ])('%s', (_, change, message) => {
    expect(() => kubernetesSettings({ ...least, ...change })).toThrow(message)
  })

  test('all at once', () => {
    expect(() => kubernetesSettings({ use_kubeconfig: 'x', namespace: 'X', image: '' })).toThrow(/use_kubeconfig.*\n.*namespace.*\n.*image/)
  })
})
