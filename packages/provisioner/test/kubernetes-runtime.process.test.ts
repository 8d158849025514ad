import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CoreV1Api, KubeConfig, KubernetesObjectApi, dumpYaml, loadYaml, type KubernetesObject, type V1Pod } from '@kubernetes/client-node'
import { clusterSuite, startCluster, writeBusyboxRoot, type Cluster } from '@berth/test-cluster'
import { verifies } from '@berth/requirements'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKubernetesRuntime, type KubernetesRuntimeOptions } from '../src/drivers/native/runtimes/kubernetes/kubernetes-runtime.ts'
import { ProvisionError } from '../src/driver.ts'
import type { Agent } from '../src/resources.ts'
import type { RuntimeStart } from '../src/drivers/native/runtimes/runtime.ts'

/* The runtime on a real cluster. There is no server, but containers that wait for one run. */

const { title, isLeftOut } = await clusterSuite('on a cluster')
const role = fileURLToPath(new URL('../templates/kubernetes/README.md', import.meta.url))

let cluster: Cluster
let directory: string
let objects: KubernetesObjectApi
let core: CoreV1Api

// A cluster needs seconds to notice that a container has ended, so these tests run concurrently.
describe.skipIf(isLeftOut)(title, { concurrent: true }, () => {
  beforeAll(async () => {
    cluster = await startCluster()
    directory = await mkdtemp(join(tmpdir(), 'berth-kubernetes-'))
    await cluster.importImage(
      'berth.test/busybox:1',
      await writeBusyboxRoot(join(directory, 'image'), ['sh', 'wget', 'sleep', 'mktemp', 'chmod', 'rm']),
    )
    const config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfigPath)
    objects = KubernetesObjectApi.makeApiClient(config)
    core = config.makeApiClient(CoreV1Api)
  }, 120_000)
  afterAll(async () => {
    await cluster.stop()
    await rm(directory, { recursive: true, force: true })
  }, 60_000)

  test('a start creates a pod and a volume, another start replaces the pod, a stop keeps the volume, a delete removes it', async () => {
    verifies('berth:kubernetes:lifecycle')
    const { workspaceId, namespace, log, order, pods, deployments, secrets, volumes, noVolume } = await newWorkspace()
    const runtime = createRuntime()
    const state = await runtime.start(order())
    const [pod] = await pods()
    expect(pod?.status?.phase).toBe('Running')
    expect(pod?.metadata?.labels).toMatchObject({ 'berth/workspace': 'dev', 'berth/owner': 'ada', 'berth/workspace-id': workspaceId })
    const secret = await core.readNamespacedSecret({ name: `berth-${workspaceId}`, namespace })
    expect(Buffer.from(secret.data?.['token-main'] ?? '', 'base64').toString()).toBe('token of main')
    expect(await volumes()).toEqual([`berth-${workspaceId}`])

    const again = await runtime.start(order({ state }))
    expect(again).toEqual(state)
    const replaced = await pods()
    expect(replaced).toHaveLength(1)
    expect(replaced[0]?.metadata?.uid).not.toBe(pod?.metadata?.uid)

    const stopped = await runtime.stop(order({ state: again }))
    expect(stopped).toEqual(state)
    expect([await pods(), await deployments(), await secrets()]).toEqual([[], [], []])
    expect(await volumes()).toEqual([`berth-${workspaceId}`])
    expect(log.at(-1)).toBe('info Stopped the pod of the workspace.')
    await runtime.stop(order({ state: stopped }))
    expect(log.at(-1)).toBe('info The workspace was not running.')

    await runtime.start(order({ state: stopped }))
    await runtime.delete(order({ state: stopped }))
    expect([await pods(), await deployments(), await secrets()]).toEqual([[], [], []])
    await noVolume()
    await runtime.delete(order({ state: stopped })) // again, as after an interrupted delete
  }, 120_000)

  test('a delete without state removes the pod and keeps the volume', async () => {
    verifies('berth:kubernetes:orphan')
    const { workspaceId, namespace, log, order, pods, volumes } = await newWorkspace()
    const runtime = createRuntime()
    await runtime.start(order())
    await runtime.delete(order())
    expect([await pods(), await volumes()]).toEqual([[], [`berth-${workspaceId}`]])
    expect(log.at(-1)).toBe(
      `warn Deleting the workspace without its state. Its files remain in the volume berth-${workspaceId} in the namespace ${namespace}.`,
    )
  }, 60_000)

  test('a template with another namespace moves the workspace, and a delete removes both volumes', async () => {
    verifies('berth:kubernetes:moved')
    const { workspaceId, order, pods, volumes, noVolume } = await newWorkspace()
    const runtime = createRuntime()
    const state = await runtime.start(order())
    const namespace = await newNamespace()
    const moved = await runtime.start(order({ state, namespace }))
    expect(await pods(namespace)).toHaveLength(1)
    expect([await pods(), await volumes()]).toEqual([[], [`berth-${workspaceId}`]])
    await runtime.delete(order({ state: moved, namespace }))
    expect(await pods(namespace)).toEqual([])
    await noVolume()
    await noVolume(namespace)
  }, 60_000)

  test('if the cluster refuses to enlarge the volume, the workspace starts with the old size', async () => {
    const { log, order, pods } = await newWorkspace()
    const runtime = createRuntime()
    const state = await runtime.start(order({ home: { size: '1Mi' } }))
    await runtime.start(order({ state, home: { size: '2Mi' } }))
    expect(log).toContainEqual(expect.stringMatching(/^warn The home volume was not changed: the cluster says: .*resize/))
    expect(await pods()).toHaveLength(1)
  }, 60_000)

  test('several agents are containers of one pod, each with its own token', async () => {
    const { order, pods } = await newWorkspace()
    await createRuntime().start(order({ agents: [agent('main'), agent('Side')] }))
    const [pod] = await pods()
    expect(pod?.spec?.containers.map(({ name }) => name)).toEqual(['main', 'side'])
    expect(pod?.status?.containerStatuses?.every(({ state }) => state?.running !== undefined)).toBe(true)
  }, 60_000)

  test('a workspace starts under the restricted Pod Security Standard', async () => {
    verifies('berth:kubernetes:least-rights')
    const { order, pods } = await newWorkspace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
    await createRuntime().start(order())
    expect(await pods()).toHaveLength(1)
    const other = createRuntime().start(order({ privilege_escalation: true }))
    await expect(other).rejects.toThrow(/violates PodSecurity "restricted/)
  }, 60_000)

  describe('a failed start says why, and leaves nothing running', () => {
    test('an image that does not exist', async () => {
      verifies('berth:kubernetes:failed-start')
      const { workspaceId, order, volumes, noVolume, failure } = await newWorkspace()
      const error = await failure({ ...options(), stuckTimeoutMs: 1_500 }, { image: 'registry.invalid/none:1' })
      expect(error.message).toMatch(/^the workspace did not start in time: container main doesn't start: (ErrImagePull|ImagePullBackOff)/)
      // The volume exists, and the state says so.
      expect(await volumes()).toEqual([`berth-${workspaceId}`])
      await createRuntime().delete(order({ ...(error.state && { state: error.state }) }))
      await noVolume()
    }, 60_000)

    test('an image with an invalid name', async () => {
      const { failure } = await newWorkspace()
      expect((await failure(options(), { image: 'UPPER:CASE:x' })).message).toMatch(/InvalidImageName/)
    }, 60_000)

    test('an image without a shell', async () => {
      const { failure } = await newWorkspace()
      await cluster.importImage('berth.test/empty:1', await emptyRoot(join(directory, 'empty')))
      expect((await failure(options(), { image: 'berth.test/empty:1' })).message).toMatch(/CrashLoopBackOff|"sh"/)
    }, 60_000)

    test('no node with enough resources', async () => {
      const { log, failure } = await newWorkspace()
      const error = await failure({ ...options(), startTimeoutMs: 5_000 }, { resources: { cpu_request: '1000' } })
      expect(error.message).toMatch(
        /^the workspace did not start in time: no node accepts the pod: .*Insufficient cpu[\s\S]*FailedScheduling/,
      )
      expect(log).toContainEqual(expect.stringMatching(/^info No node accepts the pod: /))
    }, 60_000)

    test('an exhausted quota, at once', async () => {
      verifies('berth:kubernetes:refused')
      const { namespace, failure } = await newWorkspace()
      await core.createNamespacedResourceQuota({ namespace, body: { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } } })
      const isCounted = async () => (await core.readNamespacedResourceQuota({ name: 'none', namespace })).status?.used !== undefined
      while (!(await isCounted())) await delay(20)
      expect((await failure(options(), {})).message).toMatch(/^the cluster refuses the pod: .*exceeded quota: none/)
    }, 60_000)

    test('a namespace that does not exist', async () => {
      const namespace = `none-${randomUUID()}`
      const { failure } = workspaceIn(namespace)
      expect((await failure(options(), {})).message).toBe(`the cluster says: namespaces "${namespace}" not found`)
    })

    test('an invalid quantity', async () => {
      const { failure } = await newWorkspace()
      expect((await failure(options(), { resources: { cpu: 'lots' } })).message).toMatch(/^the cluster says: .*(quantity|quantities)/)
    })

    test('a cancellation', async () => {
      verifies('berth:kubernetes:canceled')
      const { log, failure } = await newWorkspace()
      const cancellation = new AbortController()
      const start = failure(options(), { resources: { cpu_request: '1000' }, signal: cancellation.signal })
      while (!log.some((line) => line.includes('No node accepts the pod'))) await delay(20)
      cancellation.abort()
      expect((await start).message).toBe('the start was canceled')
    }, 60_000)
  })

  describe('access', () => {
    test('a server in the cluster needs only the rights that the README of the template lists', async () => {
      verifies('berth:kubernetes:rights')
      const { namespace, order, pods, noVolume } = await newWorkspace()
      const account = await serviceAccount(namespace, { name: 'berth', role: await readmeRole() })
      const rootDirectory = await podFiles(namespace, account)
      const runtime = createRuntime({ kubeconfigPaths: [], rootDirectory })
      const before = { ...process.env }
      const { hostname, port } = new URL(cluster.apiUrl)
      Object.assign(process.env, { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port })
      try {
        const state = await runtime.start(order({ use_kubeconfig: false }))
        expect(await pods()).toHaveLength(1)
        await runtime.stop(order({ state, use_kubeconfig: false }))
        await runtime.start(order({ state, use_kubeconfig: false, home: { size: '2Mi' } }))
        await runtime.delete(order({ state, use_kubeconfig: false }))
        await noVolume()
        const elsewhere = runtime.start(order({ namespace: 'default', use_kubeconfig: false }))
        await expect(elsewhere).rejects.toThrow(/is forbidden.*; grant the server's account the rights/)
      } finally {
        process.env = before
      }
    }, 60_000)

    test('an account without rights, an unreachable cluster and expired credentials have different errors', async () => {
      verifies('berth:kubernetes:unreachable')
      const { namespace, order } = await newWorkspace()
      const account = await serviceAccount(namespace, { name: 'nobody' })
      const weak = join(directory, 'weak')
      await writeFile(weak, kubeconfig(cluster.apiUrl, account))
      await expect(createRuntime({ kubeconfigPaths: [weak] }).start(order())).rejects.toThrow(
        /^the cluster says: deployments.* is forbidden: .*; grant the server's account the rights/,
      )
      const gone = join(directory, 'gone')
      await writeFile(gone, kubeconfig('https://127.0.0.1:1', account))
      await expect(createRuntime({ kubeconfigPaths: [gone] }).start(order())).rejects.toThrow(
        /^can't reach the cluster at https:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/,
      )
      const expired = join(directory, 'expired')
      await writeFile(expired, kubeconfig(cluster.apiUrl, 'no.such.token'))
      await expect(createRuntime({ kubeconfigPaths: [expired] }).start(order())).rejects.toThrow(/the server's credentials are wrong/)
    })

    test('several kubeconfigs are merged, and missing ones are skipped', async () => {
      const { order, pods } = await newWorkspace()
      const paths = [join(directory, 'none'), cluster.kubeconfigPath]
      await createRuntime({ kubeconfigPaths: paths }).start(order())
      expect(await pods()).toHaveLength(1)
    }, 60_000)
  })
})

describe('without a cluster', () => {
  const { order } = workspaceIn('none')

  test('a server outside a cluster says what to set', async () => {
    const runtime = createKubernetesRuntime({ kubeconfigPaths: ['/nowhere/config'] })
    await expect(runtime.start(order())).rejects.toThrow(/^there is no kubeconfig at \/nowhere\/config; put one there/)
    await expect(runtime.start(order({ use_kubeconfig: false }))).rejects.toThrow(/^the server is not running in a cluster/)
  })

  test('an access URL that pods cannot reach is refused', async () => {
    verifies('berth:kubernetes:access-url')
    const runtime = createKubernetesRuntime({ kubeconfigPaths: [] })
    for (const url of [
      'http://127.0.0.1:3000',
      'http://localhost:3000',
      'http://[::1]:3000',
      'http://[::]:3000',
      'http://0.0.0.0:3000',
      'https://127.9.9.9',
    ])
      await expect(runtime.start(order({ accessUrl: url }))).rejects.toThrow(`pods can't reach the server at ${url}; set BERTH_ACCESS_URL`)
  })

  test('a state of another runtime is refused', async () => {
    const state = new TextEncoder().encode('{"version":1,"runtime":"local"}')
    const runtime = createKubernetesRuntime({ kubeconfigPaths: [] })
    await expect(runtime.stop(order({ state }))).rejects.toThrow(/not written by this version of the runtime kubernetes/)
  })
})

interface Changes extends Partial<NonNullable<RuntimeStart['blocks']['kubernetes']>> {
  readonly state?: Uint8Array
  readonly agents?: readonly Agent[]
  readonly accessUrl?: string
  readonly signal?: AbortSignal
}

async function newWorkspace(labels?: Record<string, string>) {
  return workspaceIn(await newNamespace(labels))
}

/** Requests to the runtime for one workspace, their log, and what a namespace holds. */
function workspaceIn(namespace: string) {
  const workspaceId = randomUUID()
  const log: string[] = []
  const order = ({ state, agents, accessUrl, signal, ...block }: Changes = {}): RuntimeStart => ({
    metadata: {
      access_url: accessUrl ?? 'http://192.0.2.1:1',
      workspace_transition: 'start',
      workspace_name: 'dev',
      workspace_id: workspaceId,
      workspace_owner: 'ada',
      workspace_owner_id: 'owner',
      workspace_owner_email: 'ada@example.com',
    },
    blocks: { kubernetes: { use_kubeconfig: true, namespace, image: 'berth.test/busybox:1', home: { size: '1Mi' }, ...block } },
    agents: agents ?? [agent('main')],
    state: state ?? new Uint8Array(),
    log: async (level, line) => await Promise.resolve(void log.push(`${level} ${line}`)),
    signal: signal ?? new AbortController().signal,
  })
  const pods = async (where = namespace): Promise<V1Pod[]> => (await core.listNamespacedPod({ namespace: where })).items
  const deployments = async (where = namespace) => await names('apps/v1', 'Deployment', where)
  const secrets = async (where = namespace) => await names('v1', 'Secret', where)
  const volumes = async (where = namespace) => await names('v1', 'PersistentVolumeClaim', where)
  /** Waits for the cluster to notice that no pod uses the volume, and to remove it. */
  const noVolume = async (where = namespace): Promise<void> => {
    while ((await volumes(where)).length > 0) await delay(50)
  }
  /** Starts a workspace that can't start, and returns the error. */
  const failure = async (options: KubernetesRuntimeOptions, changes: Changes): Promise<ProvisionError> => {
    const error: unknown = await createRuntime(options)
      .start(order(changes))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    if (!(error instanceof ProvisionError)) throw new Error(`the start did not fail as expected: ${String(error)}`)
    expect([await pods(), await deployments(), await secrets()]).toEqual([[], [], []])
    return error
  }
  return { namespace, workspaceId, log, order, pods, deployments, secrets, volumes, noVolume, failure }
}

function agent(name: string): Agent {
  return {
    id: '',
    name,
    env: {},
    startup_script: '',
    operating_system: 'linux',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    directory: '',
    apps: [],
    token: `token of ${name}`,
    connection_timeout_seconds: 120,
    troubleshooting_url: '',
    motd_file: '',
  }
}

const options = (): KubernetesRuntimeOptions => ({ kubeconfigPaths: [cluster.kubeconfigPath] })

function createRuntime(changes: KubernetesRuntimeOptions = options()) {
  return createKubernetesRuntime({ startTimeoutMs: 30_000, stopTimeoutMs: 45_000, ...changes })
}

async function newNamespace(labels: Record<string, string> = {}): Promise<string> {
  const name = `test-${randomUUID()}`
  await core.createNamespace({ body: { metadata: { name, labels } } })
  // The cluster refuses pods until the default service account exists.
  while (!(await core.listNamespacedServiceAccount({ namespace: name })).items.some(({ metadata }) => metadata?.name === 'default'))
    await delay(20)
  return name
}

async function names(apiVersion: string, kind: string, where: string): Promise<(string | undefined)[]> {
  const { items } = await objects.list<KubernetesObject>(apiVersion, kind, where)
  return items.map(({ metadata }) => metadata?.name)
}

/** Creates an account in a namespace, and its role if one is given. Returns its token. */
async function serviceAccount(
  namespace: string,
  { name, role: roleObject }: { readonly name: string; readonly role?: KubernetesObject & { readonly rules: unknown } },
): Promise<string> {
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } })
  if (roleObject !== undefined) {
    await objects.create({ ...roleObject, metadata: { name, namespace } })
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name, namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    }
    await objects.create(binding)
  }
  const body = { spec: { audiences: [] as string[] } }
  const { status } = await core.createNamespacedServiceAccountToken({ name, namespace, body })
  return status?.token ?? ''
}

async function readmeRole(): Promise<KubernetesObject & { readonly rules: unknown }> {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(await readFile(role, 'utf8')) ?? []
  return loadYaml(yaml)
}

/** Writes the files that a pod has of its service account. Returns their root. */
async function podFiles(namespace: string, token: string): Promise<string> {
  const root = `${await mkdtemp(join(directory, 'pod-'))}/`
  const folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'token'), token)
  await writeFile(join(folder, 'ca.crt'), cluster.certificateAuthority)
  await writeFile(join(folder, 'namespace'), namespace)
  return root
}

function kubeconfig(server: string, token: string): string {
  return dumpYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server, 'certificate-authority-data': Buffer.from(cluster.certificateAuthority).toString('base64') } },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  })
}

async function emptyRoot(root: string): Promise<string> {
  await mkdir(join(root, 'etc'), { recursive: true })
  return root
}
