import type { V1Container, V1Deployment, V1ObjectMeta, V1PersistentVolumeClaim, V1PodSpec, V1Secret } from '@kubernetes/client-node'
import { bootstrapScript, type AgentArchitecture } from '../../../../bootstrap-script.ts'
import type { ProvisionMetadata } from '../../../../driver.ts'
import type { Agent } from '../../../../resources.ts'
import { workspaceEnvironment } from '../workspace-environment.ts'
import { headerOf, type ObjectName, type Selection } from './kinds.ts'
import type { KubernetesSettings } from './settings.ts'

/** Names the workspace that an object belongs to. */
const workspaceLabel = 'berth/workspace-id'
/** Names the start that created a pod. */
const startLabel = 'berth/start'

/** The values that the objects of a start are made from. */
export interface WorkspaceStart {
  readonly metadata: ProvisionMetadata
  readonly settings: KubernetesSettings
  /** Each has its token. */
  readonly agents: readonly Agent[]
  /** Unique to each start of the workspace. */
  readonly startId: string
}

/**
 * Returns the names of a workspace's objects. All are the same, and don't change when the workspace
 * is renamed.
 */
export function workspaceObjects(
  workspaceId: string,
  namespace: string,
): { readonly [Name in 'Deployment' | 'Secret' | 'PersistentVolumeClaim']: ObjectName<Name> } {
  const of = { name: `berth-${workspaceId}`, namespace }
  return {
    Deployment: { kind: 'Deployment', ...of },
    Secret: { kind: 'Secret', ...of },
    PersistentVolumeClaim: { kind: 'PersistentVolumeClaim', ...of },
  }
}

/** Selects the pods and the deployment of a workspace, of any start. */
export function everythingThatRuns(workspaceId: string, namespace: string): { readonly [Name in 'Pod' | 'Deployment']: Selection<Name> } {
  const of = { namespace, labelSelector: `${workspaceLabel}=${workspaceId}` }
  return { Pod: { kind: 'Pod', ...of }, Deployment: { kind: 'Deployment', ...of } }
}

/** Selects the pods of one start. */
export function podsOf({ metadata, settings, startId }: WorkspaceStart): Selection<'Pod'> {
  const { Pod } = everythingThatRuns(metadata.workspace_id, settings.place.namespace)
  return { ...Pod, labelSelector: `${Pod.labelSelector},${startLabel}=${startId}` }
}

/** Returns the volume for the home directory of the workspace. */
export function homeVolume(start: WorkspaceStart): V1PersistentVolumeClaim {
  const { size, storageClass } = start.settings.home
  return {
    ...labelled('PersistentVolumeClaim', start),
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClass !== undefined && { storageClassName: storageClass }),
    },
  }
}

/**
 * Returns the secret with the agents' tokens. They are not in the pod, because more people may read
 * pods.
 */
export function tokenSecret(start: WorkspaceStart): V1Secret {
  return {
    ...labelled('Secret', start),
    type: 'Opaque',
    data: Object.fromEntries(start.agents.map(({ name, token = '' }) => [tokenKey(name), Buffer.from(token).toString('base64')])),
  }
}

/**
 * Returns the deployment of the workspace's pod, which is recreated if its node fails. The home
 * volume can be in one pod at a time, so the old pod is removed first.
 */
export function workspaceDeployment(start: WorkspaceStart): V1Deployment {
  const { metadata, startId } = start
  const labelledDeployment = labelled('Deployment', start)
  return {
    ...labelledDeployment,
    spec: {
      replicas: 1,
      revisionHistoryLimit: 0,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: { [workspaceLabel]: metadata.workspace_id } },
      template: { metadata: { labels: { ...labelledDeployment.metadata.labels, [startLabel]: startId } }, spec: podSpec(start) },
    },
  }
}

function podSpec(start: WorkspaceStart): V1PodSpec {
  const { metadata, settings, agents } = start
  const { user, serviceAccount, imagePullSecrets, nodeSelector, tolerations } = settings
  const architecture = agents[0]?.architecture ?? 'amd64'
  return {
    hostname: metadata.workspace_name.toLowerCase(),
    // Kubernetes' own first process then reaps orphans. Agents reap only their own children.
    shareProcessNamespace: true,
    enableServiceLinks: false,
    automountServiceAccountToken: serviceAccount !== undefined,
    ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    securityContext: {
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      // Otherwise each start would walk through all files of the home directory.
      fsGroupChangePolicy: 'OnRootMismatch',
      runAsNonRoot: user !== 0,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    nodeSelector: {
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': architecture === 'armv7' ? 'arm' : architecture,
      ...nodeSelector,
    },
    ...(tolerations.length > 0 && {
      tolerations: tolerations.map(({ key, value, effect }) => ({
        operator: value ? 'Equal' : 'Exists',
        ...(key && { key }),
        ...(value && { value }),
        ...(effect && { effect }),
      })),
    }),
    containers: agents.map((agent) => container(agent, start)),
    volumes: [
      { name: 'home', persistentVolumeClaim: { claimName: workspaceObjects(metadata.workspace_id, '').PersistentVolumeClaim.name } },
    ],
  }
}

function container(agent: Agent, { metadata, settings }: WorkspaceStart): V1Container {
  const { home, limits, requests, hasPrivilegeEscalation } = settings
  const variables = { ...workspaceEnvironment(agent, metadata), HOME: home.path }
  const { Secret } = workspaceObjects(metadata.workspace_id, settings.place.namespace)
  const script = bootstrapScript({
    system: 'linux',
    architecture: agent.architecture as AgentArchitecture, // the schema of templates allows only these
    accessUrl: metadata.access_url,
    auth: 'token',
  })
  return {
    name: containerName(agent.name),
    image: settings.image,
    command: ['sh', '-c', script],
    workingDir: home.path,
    env: [
      ...Object.entries(variables).map(([name, value]) => ({ name, value })),
      { name: 'CODER_AGENT_TOKEN', valueFrom: { secretKeyRef: { name: Secret.name, key: tokenKey(agent.name) } } },
    ],
    resources: { limits: { ...limits }, requests: { ...requests } },
    securityContext: hasPrivilegeEscalation
      ? { allowPrivilegeEscalation: true }
      : { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'home', mountPath: home.path }],
  }
}

/**
 * Returns the name of an agent's container: the agent's name in lower case, as Kubernetes requires.
 */
export function containerName(agentName: string): string {
  return agentName.toLowerCase()
}

function tokenKey(agentName: string): string {
  return `token-${containerName(agentName)}`
}

function labelled(
  kind: keyof ReturnType<typeof workspaceObjects>,
  { metadata, settings }: WorkspaceStart,
): { readonly apiVersion: string; readonly kind: string; readonly metadata: V1ObjectMeta } {
  const header = headerOf(workspaceObjects(metadata.workspace_id, settings.place.namespace)[kind])
  const labels = {
    'app.kubernetes.io/name': 'berth-workspace',
    'app.kubernetes.io/instance': header.metadata.name,
    'app.kubernetes.io/managed-by': 'berth',
    [workspaceLabel]: metadata.workspace_id,
    'berth/workspace': metadata.workspace_name,
    'berth/owner': metadata.workspace_owner,
  }
  return { ...header, metadata: { ...header.metadata, labels } }
}
