import { Type, type Static } from '@sinclair/typebox'
import { Filled, FilledScalar, closed } from './filled-text.ts'

/** Runtimes whose names are reserved for later versions. */
export const reservedTemplateRuntimes = ['docker'] as const

/** The runtime that runs workspaces as processes on the machine of the server. It has no settings yet. */
export const LocalRuntimeBlock = Type.Object(
  {},
  { ...closed, title: 'LocalRuntimeBlock', description: 'Workspaces are processes on the machine of the server. Write `local: {}`.' },
)

/** Where a workspace on Kubernetes keeps its files. */
export const KubernetesHome = Type.Object(
  {
    path: Type.Optional(Filled('Where the home directory is in the container. Default /home/coder.')),
    size: Type.Optional(Filled('How large the volume is, as Kubernetes writes it, such as 10Gi. Default 10Gi.')),
    storage_class: Type.Optional(Filled('The storage class of the volume. The default of the cluster where it is missing.')),
  },
  { ...closed, title: 'KubernetesHome', description: 'The volume that stays when the workspace stops.' },
)
export type KubernetesHome = Static<typeof KubernetesHome>

/** What the container of a workspace may use of its node, in the words of Kubernetes. */
export const KubernetesResources = Type.Object(
  {
    cpu: Type.Optional(FilledScalar('The most processors that are used, such as 2 or 500m.')),
    memory: Type.Optional(FilledScalar('The most memory that is used, such as 4Gi.')),
    cpu_request: Type.Optional(FilledScalar('The processors that are kept free for it. What cpu says by default.')),
    memory_request: Type.Optional(FilledScalar('The memory that is kept free for it. What memory says by default.')),
  },
  { ...closed, title: 'KubernetesResources', description: 'What each container of the workspace may use of its node.' },
)
export type KubernetesResources = Static<typeof KubernetesResources>

/** Lets a workspace run on nodes that keep others away. */
export const KubernetesToleration = Type.Object(
  {
    key: Type.Optional(Filled('The key of the taint. All keys where it is missing.')),
    value: Type.Optional(Filled('The value of the taint. All values where it is missing.')),
    effect: Type.Optional(
      Type.Union([Type.Literal('NoSchedule'), Type.Literal('PreferNoSchedule'), Type.Literal('NoExecute')], {
        description: 'The effect of the taint. All effects where it is missing.',
      }),
    ),
  },
  { ...closed, title: 'KubernetesToleration', description: 'Lets the workspace run on nodes with a taint.' },
)
export type KubernetesToleration = Static<typeof KubernetesToleration>

/** The runtime that runs workspaces on a Kubernetes cluster: a deployment with a container for each agent, and a volume for the home. */
export const KubernetesRuntimeBlock = Type.Object(
  {
    use_kubeconfig: Type.Optional(
      FilledScalar(
        'true: reach the cluster by the kubeconfig of the server; false: the server is in the cluster, and its service account is used. Default false.',
      ),
    ),
    namespace: Filled('The namespace that holds the workspaces. It must exist.'),
    image: Filled('The image of the containers. It has sh, glibc, and one of curl, wget and busybox.'),
    image_pull_secrets: Type.Optional(
      Type.Array(Filled('The name of a secret in the namespace.'), {
        maxItems: 8,
        description: 'Secrets with which images are fetched from private registries.',
      }),
    ),
    service_account: Type.Optional(Filled('The service account whose token the workspace gets. Without it the workspace gets none.')),
    user: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 2_147_483_647, description: 'The uid and gid of everything in the workspace. Default 1000.' }),
    ),
    privilege_escalation: Type.Optional(
      Type.Boolean({ description: 'Whether sudo and the like work, where the image has them. Default false.' }),
    ),
    home: Type.Optional(KubernetesHome),
    resources: Type.Optional(KubernetesResources),
    node_selector: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,315}[a-zA-Z0-9])?$' }), FilledScalar('The value of the label.'), {
        description: 'Labels of the nodes that the workspace may run on.',
      }),
    ),
    tolerations: Type.Optional(
      Type.Array(KubernetesToleration, { maxItems: 32, description: 'Taints of nodes that the workspace may run on all the same.' }),
    ),
  },
  {
    ...closed,
    title: 'KubernetesRuntimeBlock',
    description: 'Workspaces are deployments on a Kubernetes cluster, each with a volume for its home.',
  },
)
export type KubernetesRuntimeBlock = Static<typeof KubernetesRuntimeBlock>

/** Each runtime that a template may name, with the schema of its block. A new one adds an entry. */
export const templateRuntimeBlocks = { local: LocalRuntimeBlock, kubernetes: KubernetesRuntimeBlock }

/** The name of a runtime. */
export type TemplateRuntime = keyof typeof templateRuntimeBlocks

export const templateRuntimes = Object.keys(templateRuntimeBlocks) as readonly TemplateRuntime[] // a constant has no other keys
