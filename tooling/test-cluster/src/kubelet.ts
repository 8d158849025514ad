import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificates } from './certificates.ts'
import type { NodeNamespace } from './node-namespace.ts'

interface KubeletParts {
  readonly directory: string
  readonly namespace: NodeNamespace
  readonly certificates: Certificates
  readonly kubeconfig: string
  readonly nodeName: string
  readonly hostAddress: string
  readonly containerdEndpoint: string
  readonly controlGroup: string
  readonly port: number
}

export async function startKubelet(parts: KubeletParts): Promise<void> {
  const { directory, namespace } = parts
  const config = join(directory, 'kubelet.json')
  await mkdir(join(directory, 'kubelet'))
  await writeFile(config, JSON.stringify(kubeletConfig(parts)))
  await namespace.start('kubelet', [
    `${directory}/bin/kubelet`,
    `--config=${config}`,
    `--kubeconfig=${parts.kubeconfig}`,
    `--root-dir=${directory}/kubelet`,
    `--hostname-override=${parts.nodeName}`,
    `--node-ip=${parts.hostAddress}`,
  ])
}

function kubeletConfig({ directory, certificates, containerdEndpoint, controlGroup, port }: KubeletParts): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '127.0.0.1',
    port,
    healthzPort: 0,
    authentication: { anonymous: { enabled: false }, x509: { clientCAFile: certificates.authority.certificate } },
    tlsCertFile: certificates.server.certificate,
    tlsPrivateKeyFile: certificates.server.key,
    containerRuntimeEndpoint: containerdEndpoint,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: controlGroup,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: ['pods'],
    makeIPTablesUtilChains: false,
    // A machine that is itself a sandbox may not allow lowering the score.
    oomScoreAdj: 0,
    // The images of tests can't be pulled again, so a nearly full disk must not remove them.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    resolvConf: '',
    podLogsDir: '/var/log/pods',
    volumePluginDir: join(directory, 'volume-plugins'),
  }
}
