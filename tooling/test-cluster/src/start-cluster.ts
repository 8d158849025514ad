import { mkdtemp, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { kubernetesDirectory } from './build-kubernetes.ts'
import { writeCertificates, writeKubeconfig } from './certificates.ts'
import { startContainerd } from './containerd.ts'
import { STORAGE_CLASS, startApiServer, startControllers, type ControlPlaneParts } from './control-plane.ts'
import { freePorts } from './free-ports.ts'
import { startKubelet } from './kubelet.ts'
import { openKubernetesApi, type KubernetesApi } from './kubernetes-api.ts'
import { addControlGroups, FOLDER_PREFIX, removeLeftovers, sweepLeftovers } from './leftovers.ts'
import { missingForCluster } from './missing-for-cluster.ts'
import { enterNodeNamespace, lastLines, type NodeNamespace } from './node-namespace.ts'
import { addPodNetwork } from './pod-network.ts'
import { waitUntil } from './wait-until.ts'

/** The API server also reaches the kubelet by this name, so it needs no DNS. */
const NODE_NAME = '127.0.0.1'

/**
 * A Kubernetes cluster with one node on this machine. It runs imported images, and can't pull
 * others.
 */
export interface Cluster {
  /** The kubeconfig of a cluster administrator, with its certificates. */
  readonly kubeconfigPath: string
  /** `https://127.0.0.1:port` */
  readonly apiUrl: string
  /** The only address of this machine that pods can reach. */
  readonly hostAddress: string
  /** The certificate authority of the API server, in PEM. */
  readonly certificateAuthority: string
  /**
   * Imports an image into the node from a folder with its root file system, without a registry. The
   * image has no entry point.
   */
  importImage(name: string, rootDirectory: string): Promise<void>
  /** Returns the last lines of output of the node's programs, for a failed test. */
  logs(): Promise<string>
  /**
   * Ends pods and programs, and removes everything that the cluster created on this machine. Close
   * its clients first.
   */
  stop(): Promise<void>
}

/**
 * Starts a cluster. Resolves when the node accepts pods. The cluster ends with the thread that
 * called, whatever ends it.
 */
export async function startCluster(): Promise<Cluster> {
  const missing = await missingForCluster()
  if (missing !== undefined) throw new Error(missing)
  await sweepLeftovers()
  const directory = await mkdtemp(FOLDER_PREFIX)
  const programs = await kubernetesDirectory()
  let namespace: NodeNamespace | undefined
  const stop = async (): Promise<void> => {
    await namespace?.stop()
    await removeLeftovers(directory)
  }
  try {
    namespace = await enterNodeNamespace(directory, programs)
    const parts = await Promise.race([startParts(directory, programs, namespace), namespace.failure])
    return { ...parts, logs: async () => lastLines(directory, 60), stop }
  } catch (error) {
    const logs = await lastLines(directory, 20)
    await stop()
    throw new Error(`the cluster did not start: ${String(error)}\n${logs}`, { cause: error })
  }
}

/** Starts the programs, in parallel where one waits for the other by itself. */
async function startParts(directory: string, programs: string, namespace: NodeNamespace): Promise<Omit<Cluster, 'logs' | 'stop'>> {
  const [network, [etcd = 0, etcdPeers = 0, api = 0, kubelet = 0], controlGroup] = await Promise.all([
    addPodNetwork(basename(directory)),
    freePorts(4),
    addControlGroups(directory),
  ])
  const { hostAddress } = network
  const certificates = await writeCertificates(join(directory, 'pki'), { nodeName: NODE_NAME, addresses: ['127.0.0.1', hostAddress] })
  const { authority, administrator, node } = certificates
  const apiUrl = `https://127.0.0.1:${api}`
  const kubeconfigPath = await writeKubeconfig(join(directory, 'kubeconfig'), apiUrl, authority, administrator)
  const nodeKubeconfig = await writeKubeconfig(join(directory, 'node-kubeconfig'), apiUrl, authority, node)

  const parts = { directory, namespace, certificates, hostAddress }
  const controlPlane: ControlPlaneParts = {
    ...parts,
    administratorKubeconfig: kubeconfigPath,
    ports: { etcd, etcdPeers, api },
  }
  await startApiServer(controlPlane)
  const containerd = await startContainerd({ directory, programs, namespace, network })
  const kubernetes = await openKubernetesApi(kubeconfigPath)
  try {
    await waitUntil('the API server is ready', async () => kubernetes.send('GET', '/readyz'), { timeoutMs: 60_000 })
    await startControllers(controlPlane)
    await startKubelet({
      ...parts,
      controlGroup,
      kubeconfig: nodeKubeconfig,
      nodeName: NODE_NAME,
      containerdEndpoint: containerd.endpoint,
      port: kubelet,
    })
    await kubernetes.send('POST', '/apis/storage.k8s.io/v1/storageclasses', STORAGE_CLASS)
    await waitUntilUsable(kubernetes)
  } finally {
    kubernetes.close()
  }
  const certificateAuthority = await readFile(authority.certificate, 'utf8')
  return { kubeconfigPath, apiUrl, hostAddress, certificateAuthority, importImage: containerd.importImage }
}

/**
 * Waits until the node accepts pods, and pods get a service account and the certificate authority
 * of the API server.
 */
async function waitUntilUsable(kubernetes: KubernetesApi): Promise<void> {
  const isReady = async (): Promise<true | undefined> => {
    const { spec, status } = (await kubernetes.send('GET', `/api/v1/nodes/${NODE_NAME}`)) as Node // the API's own type
    const ready = status.conditions?.find(({ type }) => type === 'Ready')
    return (ready?.status === 'True' && !spec.taints?.length) || undefined
  }
  const exists = (path: string): Promise<unknown> =>
    waitUntil(`${path} exists`, async () => kubernetes.send('GET', path), { timeoutMs: 60_000 })
  await Promise.all([
    waitUntil('the node is ready', isReady, { timeoutMs: 60_000 }),
    exists('/api/v1/namespaces/default/serviceaccounts/default'),
    exists('/api/v1/namespaces/default/configmaps/kube-root-ca.crt'),
  ])
}

interface Node {
  readonly spec: { readonly taints?: readonly unknown[] }
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}
