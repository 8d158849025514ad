import type { Certificates } from './certificates.ts'
import type { NodeNamespace } from './node-namespace.ts'

/** The addresses of services. Nothing routes them, because no kube-proxy runs. */
const SERVICE_RANGE = '10.96.0.0/16'

/** The user and group of dynamically provisioned volumes. */
const VOLUME_OWNER = '1000'

export interface ControlPlaneParts {
  readonly directory: string
  readonly namespace: NodeNamespace
  readonly certificates: Certificates
  readonly administratorKubeconfig: string
  readonly hostAddress: string
  readonly ports: { readonly etcd: number; readonly etcdPeers: number; readonly api: number }
}

/** Starts etcd, and the API server, which waits for it. */
export async function startApiServer(parts: ControlPlaneParts): Promise<void> {
  const { directory, namespace, certificates, hostAddress, ports } = parts
  const { authority, server, administrator, serviceAccounts } = certificates
  const [clients, peers] = [ports.etcd, ports.etcdPeers].map((port) => `http://127.0.0.1:${port}`)
  await namespace.start('etcd', [
    'etcd',
    `--data-dir=${directory}/etcd/data`,
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
  ])
  await namespace.start('kube-apiserver', [
    `${directory}/bin/kube-apiserver`,
    `--etcd-servers=${clients}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.api}`,
    `--advertise-address=${hostAddress}`,
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    `--client-ca-file=${authority.certificate}`,
    `--tls-cert-file=${server.certificate}`,
    `--tls-private-key-file=${server.key}`,
    `--service-account-key-file=${serviceAccounts.publicKey}`,
    `--service-account-signing-key-file=${serviceAccounts.privateKey}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--kubelet-certificate-authority=${authority.certificate}`,
    `--kubelet-client-certificate=${administrator.certificate}`,
    `--kubelet-client-key=${administrator.key}`,
    '--kubelet-preferred-address-types=Hostname',
  ])
}

/** Starts the scheduler and the controllers, which provision volumes in /tmp of the node. */
export async function startControllers(parts: ControlPlaneParts): Promise<void> {
  const { directory, namespace, certificates, administratorKubeconfig } = parts
  // Only the controllers' user can use a new volume, and volumes of type hostPath don't get the
  // group of a pod. So the controllers run as the same user as pods, with the right to remove files
  // of others.
  const user = ['--reuid', VOLUME_OWNER, '--regid', VOLUME_OWNER, '--clear-groups']
  const mayRemove = ['--inh-caps', '+dac_override', '--ambient-caps', '+dac_override']
  await namespace.start('kube-controller-manager', [
    'setpriv',
    ...user,
    ...mayRemove,
    `${directory}/bin/kube-controller-manager`,
    `--kubeconfig=${administratorKubeconfig}`,
    '--secure-port=0',
    '--leader-elect=false',
    `--root-ca-file=${certificates.authority.certificate}`,
    `--service-account-private-key-file=${certificates.serviceAccounts.privateKey}`,
    '--enable-hostpath-provisioner=true',
    // When two controllers write to a claim at once, one retries after this time. The default is 15
    // s.
    '--pvclaimbinder-sync-period=1s',
    `--flex-volume-plugin-dir=${directory}/volume-plugins`,
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ])
  await namespace.start('kube-scheduler', [
    `${directory}/bin/kube-scheduler`,
    `--kubeconfig=${administratorKubeconfig}`,
    '--secure-port=0',
    '--leader-elect=false',
  ])
}

export const STORAGE_CLASS = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'kubernetes.io/host-path',
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
  allowVolumeExpansion: false,
}
