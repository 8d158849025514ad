import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterSuite, startCluster, writeBusyboxRoot, type Cluster } from './index.ts'
import { openKubernetesApi, type KubernetesApi } from './kubernetes-api.ts'
import { waitUntil } from './wait-until.ts'

const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const PODS = '/api/v1/namespaces/default/pods'

const { title, isLeftOut } = await clusterSuite('a cluster')

describe.skipIf(isLeftOut)(title, () => {
  let cluster: Cluster
  let kubernetes: KubernetesApi
  const asked: string[] = []
  let server: Server

  beforeAll(async () => {
    cluster = await startCluster()
    kubernetes = await openKubernetesApi(cluster.kubeconfigPath)
    await importBusybox(cluster)
    server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end(`the page ${request.url}\n`)
    }).listen(0, cluster.hostAddress)
    await once(server, 'listening')
  })

  afterAll(async () => {
    server?.close()
    kubernetes?.close()
    await cluster?.stop()
  })

  test('an ordinary user’s pod writes to its volume and reaches a server on this machine', async ({ onTestFailed }) => {
    onTestFailed(async () => {
      process.stderr.write(
        `${JSON.stringify(await kubernetes.send('GET', '/api/v1/namespaces/default/events'))}\n${await cluster.logs()}\n`,
      )
    })
    const { port } = server.address() as AddressInfo // it listens on TCP
    const page = `http://${cluster.hostAddress}:${port}`
    const script = `echo kept > /home/kept && wget -q -O- ${page}/one && cat /home/kept && ps && wget -q -O- ${page}/done; sleep 600`
    await kubernetes.send('POST', CLAIMS, claim())
    await kubernetes.send('POST', DEPLOYMENTS, deployment(script))
    const log = await waitUntil('the pod has fetched both pages', async () => logOfOnlyPod(kubernetes), { timeoutMs: 20_000 })
    expect(asked).toEqual(['/one', '/done'])
    expect(log).toMatch(/^the page \/one\nkept\n/)
    // The pods' first process is shared, and reaps orphans.
    expect(log).toMatch(/^\s+1\s+\S+\s.*\/pause$/m)
  })

  test('a volume is removed with its claim, and a pod with its deployment', async () => {
    const [volume] = await volumes(kubernetes)
    await kubernetes.send('DELETE', `${DEPLOYMENTS}/app`)
    await waitUntil('the pod is gone', async () => ((await count(kubernetes, PODS)) === 0 ? true : undefined), { timeoutMs: 20_000 })
    await kubernetes.send('DELETE', `${CLAIMS}/home`)
    await waitUntil('the volume is gone', async () => ((await volumes(kubernetes)).length === 0 ? true : undefined), { timeoutMs: 20_000 })
    expect(volume?.spec.hostPath.path).toMatch(/^\/tmp\/hostpath_pv\//)
    expect(await readdir(join(dirname(cluster.kubeconfigPath), 'tmp/hostpath_pv'))).toEqual([])
  })

  test('a stop leaves no process, mount, interface, control group or file, even with a running pod', async () => {
    const directory = dirname(cluster.kubeconfigPath)
    await kubernetes.send('POST', CLAIMS, claim())
    await kubernetes.send('POST', DEPLOYMENTS, deployment('sleep 600'))
    await waitUntil(
      'the pod runs',
      async () => ((await processes(directory)).some((line) => line.includes('sleep 600')) ? true : undefined),
      {
        timeoutMs: 20_000,
      },
    )
    const interfaces = [basename(directory), ...(await readdir(`/sys/class/net/${basename(directory)}/brif`))]
    expect(interfaces).toHaveLength(2)
    await cluster.stop()
    expect(await processes(directory)).toEqual([])
    expect((await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(basename(directory)))).toEqual([])
    expect((await readdir('/sys/class/net')).filter((name) => interfaces.includes(name))).toEqual([])
    const groups = await Promise.all(
      ['.', ...(await readdir('/sys/fs/cgroup'))].map((name) => readdir(join('/sys/fs/cgroup', name)).catch(() => [])),
    )
    expect(groups.flat()).not.toContain(basename(directory))
    expect((await readdir('/tmp')).filter((name) => name === basename(directory))).toEqual([])
  })

  test('a cluster ends with its process, even a killed one, and the next start removes the leftovers', async () => {
    const script = `const { startCluster } = await import(${JSON.stringify(import.meta.resolve('./index.ts'))})
      console.log((await startCluster()).kubeconfigPath)
      setInterval(() => {}, 1000)`
    const words = ['--import', 'tsx', '--conditions=@berth/source', '--input-type=module', '--eval', script]
    const starter = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [path] = (await once(starter.stdout, 'data')) as [Buffer]
    const directory = dirname(String(path))
    expect(await processes(directory)).not.toEqual([])
    starter.kill('SIGKILL')
    await waitUntil('its processes are gone', async () => ((await processes(directory)).length === 0 ? true : undefined), {
      timeoutMs: 10_000,
    })
    cluster = await startCluster()
    expect((await readdir('/sys/class/net')).filter((name) => name === basename(directory))).toEqual([])
    expect((await readdir('/tmp')).filter((name) => name === basename(directory))).toEqual([])
  })
})

async function importBusybox(cluster: Cluster): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'busybox-'))
  await writeBusyboxRoot(root, ['sh', 'cat', 'ps', 'sleep', 'wget'])
  await cluster.importImage('berth.invalid/busybox:1', root)
  await rm(root, { recursive: true })
}

function claim(): unknown {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'home' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }
}

/** Returns a deployment that the strictest Pod Security Standard allows. */
function deployment(script: string): unknown {
  const labels = { app: 'app' }
  const container = {
    name: 'app',
    image: 'berth.invalid/busybox:1',
    command: ['/bin/sh', '-c', script],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '500m', memory: '64Mi' } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'home', mountPath: '/home' }],
  }
  const pod = {
    shareProcessNamespace: true,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
    volumes: [{ name: 'home', persistentVolumeClaim: { claimName: 'home' } }],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'app' },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  }
}

/** Returns the pod's log; undefined until it has its last line. */
async function logOfOnlyPod(kubernetes: KubernetesApi): Promise<string | undefined> {
  const { items } = (await kubernetes.send('GET', PODS)) as { items: { metadata: { name: string } }[] } // the API's own type
  const log = await kubernetes.send('GET', `${PODS}/${items[0]?.metadata.name}/log`)
  return typeof log === 'string' && log.endsWith('the page /done\n') ? log : undefined
}

interface Volume {
  readonly spec: { readonly hostPath: { readonly path: string } }
}

async function volumes(kubernetes: KubernetesApi): Promise<readonly Volume[]> {
  return ((await kubernetes.send('GET', '/api/v1/persistentvolumes')) as { items: Volume[] }).items // the API's own type
}

async function count(kubernetes: KubernetesApi, path: string): Promise<number> {
  return ((await kubernetes.send('GET', path)) as { items: unknown[] }).items.length // every list has items
}

/**
 * Returns the command lines of a cluster's processes: those that name its folder or are in its
 * control groups.
 */
async function processes(directory: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [command, groups] = await Promise.all(
      ['cmdline', 'cgroup'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
    )
    if (`${command}${groups}`.includes(basename(directory))) found.push(`${command}`.replaceAll('\0', ' '))
  }
  return found
}
