import { describe, expect, test } from 'vitest'
import type { Agent } from '../../../../resources.ts'
import { kubernetesSettings } from './settings.ts'
import { homeVolume, tokenSecret, workspaceDeployment, type WorkspaceStart } from './workspace-objects.ts'

const id = '0a4f7c7e-7b29-4b3b-9f3c-0d4f6a5e1b2c'

function agent(name: string, changes: Partial<Agent> = {}): Agent {
  return {
    id: '',
    name,
    env: { SECRET: 'of the agent' },
    startup_script: 'echo started',
    operating_system: 'linux',
    architecture: 'amd64',
    directory: '',
    apps: [],
    token: `token of ${name}`,
    connection_timeout_seconds: 120,
    troubleshooting_url: '',
    motd_file: '',
    ...changes,
  }
}

function start(block: Partial<Parameters<typeof kubernetesSettings>[0]> = {}, agents = [agent('main')]): WorkspaceStart {
  return {
    metadata: {
      access_url: 'https://berth.example.com',
      workspace_transition: 'start',
      workspace_name: 'Dev',
      workspace_id: id,
      workspace_owner: 'Ada',
      workspace_owner_id: 'owner',
      workspace_owner_email: 'ada@example.com',
    },
    settings: kubernetesSettings({ namespace: 'workspaces', image: 'debian:12', ...block }),
    agents,
    startId: 'start-1',
  }
}

const podOf = (given: WorkspaceStart) => workspaceDeployment(given).spec?.template.spec

test('all objects have the same name, which does not change when the workspace is renamed', () => {
  const objects = [homeVolume(start()), tokenSecret(start()), workspaceDeployment(start())]
  expect(objects.map(({ kind, metadata }) => [kind, metadata?.name, metadata?.namespace])).toEqual(
    ['PersistentVolumeClaim', 'Secret', 'Deployment'].map((kind) => [kind, `berth-${id}`, 'workspaces']),
  )
  for (const { metadata } of objects)
    expect(metadata?.labels).toMatchObject({ 'berth/workspace-id': id, 'berth/workspace': 'Dev', 'berth/owner': 'Ada' })
})

test('tokens are only in the secret', () => {
  const given = start({}, [agent('main'), agent('Side')])
  expect(tokenSecret(given).data).toEqual({
    'token-main': Buffer.from('token of main').toString('base64'),
    'token-side': Buffer.from('token of Side').toString('base64'),
  })
  expect(JSON.stringify(workspaceDeployment(given))).not.toContain('token of')
  expect(podOf(given)?.containers.map(({ name, env }) => [name, env?.find((entry) => entry.name === 'CODER_AGENT_TOKEN')])).toEqual(
    ['main', 'side'].map((name) => [
      name,
      { name: 'CODER_AGENT_TOKEN', valueFrom: { secretKeyRef: { name: `berth-${id}`, key: `token-${name}` } } },
    ]),
  )
})

test('the pod does not contain what the server tells agents itself', () => {
  expect(JSON.stringify(workspaceDeployment(start()))).not.toMatch(/of the agent|echo started/)
})

test('labels select the pods of a workspace and of one start', () => {
  const { selector, template, strategy } = workspaceDeployment(start()).spec ?? {}
  expect(template?.metadata?.labels).toMatchObject({ 'berth/workspace-id': id, 'berth/start': 'start-1' })
  expect(selector).toEqual({ matchLabels: { 'berth/workspace-id': id } })
  expect(strategy).toEqual({ type: 'Recreate' })
})

describe('a pod has no more rights than it needs', () => {
  test('by default', () => {
    const pod = podOf(start())
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false, shareProcessNamespace: true })
    expect(pod).not.toHaveProperty('serviceAccountName')
    expect(pod?.securityContext).toMatchObject({
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(pod?.containers[0]?.securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } })
  })

  test('unless the template grants them', () => {
    const pod = podOf(start({ user: 0, privilege_escalation: true, service_account: 'builder' }))
    expect(pod).toMatchObject({ automountServiceAccountToken: true, serviceAccountName: 'builder' })
    expect(pod?.securityContext).toMatchObject({ runAsUser: 0, runAsNonRoot: false })
    expect(pod?.containers[0]?.securityContext).toEqual({ allowPrivilegeEscalation: true })
  })
})

test('the volume is mounted as the home directory', () => {
  const given = start({ home: { path: '/home/dev', size: '20Gi', storage_class: 'fast' } })
  expect(homeVolume(given).spec).toEqual({
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '20Gi' } },
    storageClassName: 'fast',
  })
  expect(homeVolume(start()).spec).not.toHaveProperty('storageClassName')
  const pod = podOf(given)
  expect(pod?.volumes).toEqual([{ name: 'home', persistentVolumeClaim: { claimName: `berth-${id}` } }])
  expect(pod?.containers[0]).toMatchObject({ workingDir: '/home/dev', volumeMounts: [{ name: 'home', mountPath: '/home/dev' }] })
  expect(pod?.containers[0]?.env).toContainEqual({ name: 'HOME', value: '/home/dev' })
})

test('the pod runs on nodes of its platform that the template selects', () => {
  const given = start(
    { node_selector: { pool: 'large' }, tolerations: [{}, { key: 'gpu', effect: 'NoSchedule' }, { key: 'team', value: 'web' }] },
    [agent('main', { architecture: 'armv7' })],
  )
  const pod = podOf(given)
  expect(pod?.nodeSelector).toEqual({ 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm', pool: 'large' })
  expect(pod?.tolerations).toEqual([
    { operator: 'Exists' },
    { operator: 'Exists', key: 'gpu', effect: 'NoSchedule' },
    { operator: 'Equal', key: 'team', value: 'web' },
  ])
  expect(pod?.containers[0]?.command?.[2]).toContain('https://berth.example.com/bin/coder-linux-armv7')
})
