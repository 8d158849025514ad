import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import type { Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { clusterSuite, startCluster, type Cluster } from '@berth/test-cluster'
import { CoreV1Api, KubeConfig, KubernetesObjectApi, loadYaml, type KubernetesObject, type V1Pod } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FIRST_USER, createDeployment, type CommandResult, type Deployment } from './deployment.ts'
import { writeWorkspaceImage } from './workspace-image.ts'

/*
 * Workspaces on a real cluster, from the unchanged starter template. The test imports a small
 * image under the template's image name, because no registry can be reached here.
 */

const IMAGE = 'mcr.microsoft.com/devcontainers/base:bookworm'
const TEMPLATE = fileURLToPath(new URL('../../../packages/provisioner/templates/kubernetes/', import.meta.url))
const IN_POD = 'berth'
const OUTSIDE = 'coder-workspaces'
/** Gives a process its account's folder as the kubelet does, without the machine seeing it. */
const AS_POD = `mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io
cp -R "$1" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"`

const { title, isLeftOut } = await clusterSuite('on a cluster')

let cluster: Cluster
let core: CoreV1Api
let objects: KubernetesObjectApi
let directory: string

const succeeds = (result: CommandResult): string => {
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  return result.stdout
}

describe.skipIf(isLeftOut)(title, () => {
  beforeAll(async () => {
    cluster = await startCluster()
    directory = await mkdtemp(join(tmpdir(), 'berth-e2e-'))
    await cluster.importImage(IMAGE, await writeWorkspaceImage(join(directory, 'image'), { name: 'vscode', home: '/home/vscode' }))
    const config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfigPath)
    core = config.makeApiClient(CoreV1Api)
    objects = KubernetesObjectApi.makeApiClient(config)
    for (const name of [IN_POD, OUTSIDE]) await core.createNamespace({ body: { metadata: { name } } })
  }, 120_000)
  afterAll(async () => {
    await cluster.stop()
    await rm(directory, { recursive: true, force: true })
  }, 60_000)

  describe.concurrent('a server that is a pod of it', () => {
    let deployment: Deployment
    let client: Client
    beforeAll(async () => {
      const { hostname, port } = new URL(cluster.apiUrl)
      deployment = await createDeployment(
        { BERTH_AUTO_IMPORT_TEMPLATES: 'kubernetes', KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
        { host: cluster.hostAddress, through: ['unshare', '--mount', 'sh', '-ec', AS_POD, 'sh', await accountFolder()] },
      )
    }, 60_000)
    afterAll(async () => await deployment.remove(), 120_000)

    test.sequential('imports the template for its own namespace', async () => {
      verifies('berth:kubernetes:imported', 'first-user:auto-import-kubernetes')
      client = await signIn(deployment)
      const organization = (await client.organizations.listOfUser({ params: { user: 'me' } }))[0]?.id ?? ''
      const templates = await client.templates.list({ params: { organization } })
      expect(templates.map(({ name }) => name)).toEqual(['kubernetes'])
      const templateversion = templates[0]?.active_version_id ?? ''
      await eventually(async () => (await client.templateVersions.get({ params: { templateversion } })).job.completed_at)
      const values = await client.templateVersions.parameters({ params: { templateversion } })
      expect(Object.fromEntries(values.map(({ name, source_value }) => [name, source_value]))).toMatchObject({
        use_kubeconfig: 'false',
        namespace: IN_POD,
      })
    })

    test.sequential('a workspace is a pod that fetched its agent, and gives a shell', async () => {
      verifies('berth:kubernetes:workspace')
      succeeds(await deployment.berth(['create', 'dev', '-t', 'kubernetes', '-y']))
      const said = succeeds(await deployment.berth(['ssh', 'dev', '--', 'id -u; echo $HOME; pwd; echo kept > ~/file; ls -a ~']))
      expect(said.split('\n').slice(0, 3)).toEqual(['1000', '/home/vscode', '/home/vscode'])
      expect(said).toMatch(/^\.profile$/m)
      expect(await deployment.berth(['ssh', 'dev', '--', 'exit 7'])).toMatchObject({ exitCode: 7 })
      expect(await pods(IN_POD)).toHaveLength(1)
    }, 120_000)

    test.sequential('orphans of a workspace do not pile up', async () => {
      await deployment.berth(['ssh', 'dev', '--', '(sleep 0.1 &) ; exit 0'])
      const zombies = async () => /\bZ\b/.exec(succeeds(await deployment.berth(['ssh', 'dev', '--', 'sleep 0.3; ps -o stat,comm'])))
      expect(await zombies()).toBeNull()
    }, 60_000)

    test.sequential('a pod that is lost is made anew, and its agent connects again', async () => {
      verifies('berth:kubernetes:node-lost')
      const [pod] = await pods(IN_POD)
      await core.deleteNamespacedPod({ name: pod?.metadata?.name ?? '', namespace: IN_POD, gracePeriodSeconds: 0 })
      await eventually(
        async () =>
          (await pods(IN_POD)).some(({ metadata, status }) => metadata?.uid !== pod?.metadata?.uid && status?.phase === 'Running') ||
          undefined,
        {
          timeoutMs: 60_000,
        },
      )
      expect(await eventually(async () => await fileIn(deployment), { timeoutMs: 60_000 })).toBe('kept\n')
    }, 120_000)

    test.sequential('the home is the same after stop and start', async () => {
      verifies('berth:kubernetes:workspace')
      succeeds(await deployment.berth(['stop', 'dev', '-y']))
      expect(await pods(IN_POD)).toEqual([])
      succeeds(await deployment.berth(['start', 'dev', '-y']))
      expect(succeeds(await deployment.berth(['ssh', 'dev', '--', 'cat file']))).toBe('kept\n')
    }, 120_000)

    test.sequential('the namespace is not for users to choose', async () => {
      verifies('berth:kubernetes:template-scope')
      const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
      const [template] = await client.templates.list({ params: { organization: organization?.id ?? '' } })
      const value = {
        name: 'namespace',
        source_value: 'kube-system',
        source_scheme: 'data',
        destination_scheme: 'provisioner_variable',
      } as const
      const workspace = await client.workspaces.create({
        params: { organization: organization?.id ?? '', user: 'me' },
        body: { template_id: template?.id ?? '', name: 'sly', parameter_values: [value] },
      })
      const build = await eventually(
        async () => {
          const found = await client.builds.get({ params: { workspacebuild: workspace.latest_build.id } })
          return found.job.completed_at === undefined ? undefined : found
        },
        { timeoutMs: 60_000 },
      )
      expect(build.job.status).toBe('succeeded')
      expect(await pods('kube-system')).toEqual([])
      expect(await pods(IN_POD)).toHaveLength(2)
      succeeds(await deployment.berth(['delete', 'sly', '-y']))
    }, 120_000)

    test.sequential('a delete leaves nothing', async () => {
      verifies('berth:kubernetes:lifecycle')
      succeeds(await deployment.berth(['delete', 'dev', '-y']))
      await eventually(async () => (await everything(IN_POD)).length === 0 || undefined, { timeoutMs: 30_000 })
    }, 60_000)
  })

  test.concurrent('a server outside reaches it by its kubeconfig, with the template from a folder', async () => {
    verifies('berth:kubernetes:workspace')
    const deployment = await createDeployment({ BERTH_KUBECONFIG: cluster.kubeconfigPath }, { host: cluster.hostAddress })
    try {
      await signIn(deployment)
      succeeds(await deployment.berth(['templates', 'init', 'kubernetes']))
      await writeFile(join(deployment.homeDirectory, 'values.yaml'), `use_kubeconfig: "true"\nnamespace: ${OUTSIDE}\n`)
      const words = ['templates', 'create', 'pods', '-d', 'kubernetes', '--parameter-file', 'values.yaml', '-y']
      succeeds(await deployment.berth(words))
      succeeds(await deployment.berth(['create', 'dev', '-t', 'pods', '-y']))
      expect(succeeds(await deployment.berth(['ssh', 'dev', '--', 'echo $((40+2))']))).toBe('42\n')
      expect(await pods(OUTSIDE)).toHaveLength(1)
    } finally {
      await deployment.remove()
    }
    await eventually(async () => (await everything(OUTSIDE)).length === 0 || undefined, { timeoutMs: 30_000 })
  }, 180_000)
})

async function signIn(deployment: Deployment): Promise<Client> {
  const client = await deployment.signIn()
  const { email, password } = FIRST_USER
  const { session_token } = await client.sessions.login({ body: { email, password } })
  succeeds(await deployment.berth(['login', deployment.server.url, '--token', session_token]))
  return client
}

/** What the workspace has kept; undefined while it can't be reached. */
async function fileIn(deployment: Deployment): Promise<string | undefined> {
  const { exitCode, stdout } = await deployment.berth(['ssh', 'dev', '--', 'cat file'])
  return exitCode === 0 ? stdout : undefined
}

async function pods(namespace: string): Promise<V1Pod[]> {
  return (await core.listNamespacedPod({ namespace })).items
}

/** What workspaces have in a namespace. */
async function everything(namespace: string): Promise<KubernetesObject[]> {
  const kinds = [
    ['v1', 'Pod'],
    ['apps/v1', 'Deployment'],
    ['v1', 'Secret'],
    ['v1', 'PersistentVolumeClaim'],
  ] as const
  const lists = await Promise.all(
    kinds.map(async ([apiVersion, kind]) => await objects.list<KubernetesObject>(apiVersion, kind, namespace)),
  )
  return lists.flatMap(({ items }) => items)
}

/** An account with the rights that the template's README lists, as a pod finds it. */
async function accountFolder(): Promise<string> {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(await readFile(join(TEMPLATE, 'README.md'), 'utf8')) ?? []
  const of = { name: 'berth', namespace: IN_POD }
  await core.createNamespacedServiceAccount({ namespace: IN_POD, body: { metadata: of } })
  await objects.create({ ...loadYaml<KubernetesObject>(yaml), metadata: of })
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: of,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: of.name },
    subjects: [{ kind: 'ServiceAccount', ...of }],
  }
  await objects.create(binding)
  const { status } = await core.createNamespacedServiceAccountToken({ ...of, body: { spec: { audiences: [] } } })
  const folder = await mkdtemp(join(directory, 'account-'))
  await writeFile(join(folder, 'token'), status?.token ?? '')
  await writeFile(join(folder, 'ca.crt'), cluster.certificateAuthority)
  await writeFile(join(folder, 'namespace'), IN_POD)
  return folder
}
