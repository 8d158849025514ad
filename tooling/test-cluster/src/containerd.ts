import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packImage } from './image-archive.ts'
import type { NodeNamespace } from './node-namespace.ts'
import { CNI_PLUGINS, writeNetworkConfig, type PodNetwork } from './pod-network.ts'
import { runProgram } from './run-program.ts'
import { waitUntil } from './wait-until.ts'

/**
 * The image that holds the namespaces of every pod. It can't be pulled, so it is imported before
 * the kubelet starts.
 */
const PAUSE_IMAGE = 'berth.invalid/pause:1'

/** The container runtime of a node. */
export interface Containerd {
  readonly endpoint: string
  readonly importImage: (name: string, rootDirectory: string) => Promise<void>
}

interface NodeParts {
  readonly directory: string
  readonly programs: string
  readonly namespace: NodeNamespace
  readonly network: PodNetwork
}

export async function startContainerd({ directory, programs, namespace, network }: NodeParts): Promise<Containerd> {
  const socket = join(directory, 'containerd.sock')
  const config = join(directory, 'containerd.toml')
  await writeNetworkConfig(join(directory, 'cni'), network)
  await writeFile(config, containerdConfig(directory, socket))
  await namespace.start('containerd', ['containerd', '--config', config])
  const ctr = async (...words: readonly string[]): Promise<string> =>
    runProgram('ctr', ['--address', socket, '--namespace', 'k8s.io', ...words])
  const isServing = async (): Promise<true | undefined> => / cri .* ok/.test(await ctr('plugins', 'list')) || undefined
  await waitUntil('containerd answers', isServing, { timeoutMs: 30_000 })

  const load = async (name: string, rootDirectory: string, entrypoint: readonly string[]): Promise<void> => {
    const scratch = await mkdtemp(join(directory, 'image-'))
    try {
      await ctr('images', 'import', await packImage(scratch, { name, rootDirectory, entrypoint }))
    } finally {
      await rm(scratch, { recursive: true })
    }
    // The runtime learns of an image from an event, and marks those that it knows.
    const isKnown = async (): Promise<true | undefined> => {
      const lines = (await ctr('images', 'list')).split('\n')
      return lines.some((line) => line.includes(name) && line.includes('io.cri-containerd.image=managed')) || undefined
    }
    await waitUntil(`the node knows the image ${name}`, isKnown, { timeoutMs: 10_000 })
  }

  const root = join(directory, 'pause')
  await mkdir(root)
  await copyFile(join(programs, 'pause'), join(root, 'pause'))
  await load(PAUSE_IMAGE, root, ['/pause'])
  return { endpoint: `unix://${socket}`, importImage: async (name, rootDirectory) => load(name, rootDirectory, []) }
}

/**
 * Returns the configuration, without plugins that use file systems or folders elsewhere on the
 * machine.
 */
function containerdConfig(directory: string, socket: string): string {
  return `version = 2
root = "${directory}/containerd"
state = "${directory}/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # A machine that is itself a sandbox may not allow lowering the score.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PLUGINS}"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`
}
