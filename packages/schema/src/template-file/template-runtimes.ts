import { Type, type Static } from '@sinclair/typebox'
import { Filled, FilledScalar, closed } from './filled-text.ts'

/** Runtimes whose names are reserved for later versions. */
export const reservedTemplateRuntimes = ['docker'] as const

/** Defaults of a `kubernetes` block. */
export const kubernetesDefaults = { homePath: '/home/coder', homeSize: '10Gi', userId: 1000 } as const

/** Runs workspaces as processes on the server's machine. It has no options yet. */
export const LocalRuntimeBlock = Type.Object(
  {},
  { ...closed, title: 'LocalRuntimeBlock', description: "Runs workspaces as processes on the server's machine. Write `local: {}`." },
)

/** The volume that keeps the files of a workspace on Kubernetes. */
export const KubernetesHome = Type.Object(
  {
    path: Type.Optional(Filled(`Path of the home directory in the container. Default: ${kubernetesDefaults.homePath}.`)),
    size: Type.Optional(Filled(`Size of the volume, in Kubernetes notation. Default: ${kubernetesDefaults.homeSize}.`)),
    storage_class: Type.Optional(Filled("Storage class of the volume. Default: the cluster's default.")),
  },
  { ...closed, title: 'KubernetesHome', description: 'The volume that remains when the workspace stops.' },
)
export type KubernetesHome = Static<typeof KubernetesHome>

/** Resource limits and requests of each container, in Kubernetes notation. */
export const KubernetesResources = Type.Object(
  {
    cpu: Type.Optional(FilledScalar('Processor limit, for example 2 or 500m.')),
    memory: Type.Optional(FilledScalar('Memory limit, for example 4Gi.')),
    cpu_request: Type.Optional(FilledScalar('Processor request. Default: the value of cpu.')),
    memory_request: Type.Optional(FilledScalar('Memory request. Default: the value of memory.')),
  },
  { ...closed, title: 'KubernetesResources', description: 'Resource limits and requests of each container.' },
)
export type KubernetesResources = Static<typeof KubernetesResources>

/** Lets a workspace run on nodes with a matching taint. */
export const KubernetesToleration = Type.Object(
  {
    key: Type.Optional(Filled('Key of the taint. Default: any key.')),
    value: Type.Optional(Filled('Value of the taint. Default: any value.')),
    effect: Type.Optional(
      Type.Union([Type.Literal('NoSchedule'), Type.Literal('PreferNoSchedule'), Type.Literal('NoExecute')], {
        description: 'Effect of the taint. Default: any effect.',
      }),
    ),
  },
  { ...closed, title: 'KubernetesToleration', description: 'Lets the workspace run on nodes with a matching taint.' },
)
export type KubernetesToleration = Static<typeof KubernetesToleration>

/**
 * Runs workspaces on a Kubernetes cluster: a deployment with a container for each agent, and a
 * volume for the home directory.
 */
export const KubernetesRuntimeBlock = Type.Object(
  {
    use_kubeconfig: Type.Optional(
      FilledScalar(
        "How the server reaches the cluster. true: with the server's kubeconfig. false: the server runs in the cluster and uses its service account. Default: false.",
      ),
    ),
    namespace: Filled('Namespace of the workspaces. It must exist.'),
    image: Filled('Image of the containers. It must contain sh, glibc, and curl, wget or busybox.'),
    image_pull_secrets: Type.Optional(
      Type.Array(Filled('Name of a secret in the namespace.'), {
        maxItems: 8,
        description: 'Secrets for pulling images from private registries.',
      }),
    ),
    service_account: Type.Optional(Filled('Service account whose token the workspace gets. Default: no token.')),
    user: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_147_483_647,
        description: `uid and gid of all processes in the workspace. Default: ${kubernetesDefaults.userId}.`,
      }),
    ),
    privilege_escalation: Type.Optional(
      Type.Boolean({ description: 'Whether programs such as sudo can gain privileges. Default: false.' }),
    ),
    home: Type.Optional(KubernetesHome),
    resources: Type.Optional(KubernetesResources),
    node_selector: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,315}[a-zA-Z0-9])?$' }), FilledScalar('Value of the label.'), {
        description: 'Labels that a node must have to run the workspace.',
      }),
    ),
    tolerations: Type.Optional(
      Type.Array(KubernetesToleration, { maxItems: 32, description: 'Node taints that the workspace tolerates.' }),
    ),
  },
  {
    ...closed,
    title: 'KubernetesRuntimeBlock',
    description: 'Runs each workspace on a Kubernetes cluster, as a deployment with a volume for the home directory.',
  },
)
export type KubernetesRuntimeBlock = Static<typeof KubernetesRuntimeBlock>

/** Each runtime that a template may name, with the schema of its block. A new one adds an entry. */
export const templateRuntimeBlocks = { local: LocalRuntimeBlock, kubernetes: KubernetesRuntimeBlock }

/** The name of a runtime. */
export type TemplateRuntime = keyof typeof templateRuntimeBlocks

export const templateRuntimes = Object.keys(templateRuntimeBlocks) as readonly TemplateRuntime[] // a constant has no other keys
