import { kubernetesDefaults, type KubernetesRuntimeBlock } from '@berth/schema'
import { ProvisionError } from '../../../../driver.ts'

/** The cluster and the namespace of a workspace. */
export interface ClusterPlace {
  /**
   * Whether to use the server's kubeconfig instead of the service account of the server's own pod.
   */
  readonly use_kubeconfig: boolean
  readonly namespace: string
}

/**
 * A runtime block with its references filled in and its defaults. Empty values become absent, so
 * that the cluster decides.
 */
export interface KubernetesSettings {
  readonly place: ClusterPlace
  readonly image: string
  readonly imagePullSecrets: readonly string[]
  readonly serviceAccount: string | undefined
  /** The uid and gid. */
  readonly user: number
  readonly hasPrivilegeEscalation: boolean
  readonly home: { readonly path: string; readonly size: string; readonly storageClass: string | undefined }
  readonly limits: Readonly<Record<string, string>>
  readonly requests: Readonly<Record<string, string>>
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly tolerations: NonNullable<KubernetesRuntimeBlock['tolerations']>
}

/**
 * Reads a block. Leaves it to the cluster to check what only the cluster can, such as quantities
 * and names of secrets.
 *
 * @throws ProvisionError naming every invalid value.
 */
export function kubernetesSettings(block: KubernetesRuntimeBlock): KubernetesSettings {
  const problems: string[] = []
  const place = readPlace(block, problems)
  if (!/^\S+$/.test(block.image)) problems.push(`kubernetes.image is ${JSON.stringify(block.image)}; it must be an image name`)
  const { path = '', size = '', storage_class } = block.home ?? {}
  const home = {
    path: path || kubernetesDefaults.homePath,
    size: size || kubernetesDefaults.homeSize,
    storageClass: storage_class || undefined,
  }
  if (!/^\/[^:]+$/.test(home.path))
    problems.push(`kubernetes.home.path is ${JSON.stringify(home.path)}; it must be an absolute path below /`)
  if (problems.length > 0) throw new ProvisionError(problems.join('\n'))
  const { cpu, memory, cpu_request, memory_request } = block.resources ?? {}
  return {
    place,
    image: block.image,
    imagePullSecrets: (block.image_pull_secrets ?? []).filter((name) => name !== ''),
    serviceAccount: block.service_account || undefined,
    user: block.user ?? kubernetesDefaults.userId,
    hasPrivilegeEscalation: block.privilege_escalation === true,
    home,
    limits: present({ cpu, memory }),
    requests: present({ cpu: cpu_request, memory: memory_request }),
    nodeSelector: present(block.node_selector ?? {}),
    tolerations: block.tolerations ?? [],
  }
}

function readPlace({ use_kubeconfig = false, namespace }: KubernetesRuntimeBlock, problems: string[]): ClusterPlace {
  const word = String(use_kubeconfig)
  if (word !== 'true' && word !== 'false' && word !== '')
    problems.push(`kubernetes.use_kubeconfig is ${JSON.stringify(word)}; it must be true or false`)
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    problems.push(
      `kubernetes.namespace is ${JSON.stringify(namespace)}; it must be at most 63 lower-case letters, digits and hyphens, and not start or end with a hyphen`,
    )
  return { use_kubeconfig: word === 'true', namespace }
}

function present(values: Readonly<Record<string, string | number | boolean | undefined>>): Record<string, string> {
  const texts = Object.entries(values).map(([name, value]): [string, string] => [name, String(value ?? '')])
  return Object.fromEntries(texts.filter(([, text]) => text !== ''))
}
