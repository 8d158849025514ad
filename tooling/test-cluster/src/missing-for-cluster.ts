import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { kubernetesDirectory } from './build-kubernetes.ts'
import { CNI_PLUGINS } from './pod-network.ts'
import { SYSTEM_PATH } from './node-namespace.ts'

/** The programs that a cluster needs, with their Debian packages. */
const PROGRAMS: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  ip: 'iproute2',
  mount: 'mount',
  openssl: 'openssl',
  tar: 'tar',
  flock: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
}

/**
 * Returns what this machine lacks to start a cluster, as a sentence; undefined if it lacks nothing.
 */
export async function missingForCluster(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'A cluster needs root.'
  const packages = new Set<string>()
  for (const [program, name] of Object.entries(PROGRAMS)) if (!(await isInstalled(program))) packages.add(name)
  for (const plugin of ['bridge', 'host-local', 'loopback'])
    if (!(await isExecutable(join(CNI_PLUGINS, plugin)))) packages.add('containernetworking-plugins')
  if (packages.size > 0) return `A cluster needs the packages ${[...packages].join(', ')}.`
  if (!(await isExecutable(join(await kubernetesDirectory(), 'kubelet'))))
    return 'A cluster needs Kubernetes, which tooling/test-cluster/src/build.ts builds.'
  return undefined
}

async function isInstalled(program: string): Promise<boolean> {
  for (const folder of SYSTEM_PATH.split(delimiter)) if (await isExecutable(join(folder, program))) return true
  return false
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
