import { Type, type Static } from '@sinclair/typebox'

/** What the Kubernetes runtime leaves for the next build of a workspace. No secrets: tokens live in a secret of the cluster. */
export const KubernetesState = Type.Object({
  version: Type.Literal(1),
  runtime: Type.Literal('kubernetes'),
  workspace_id: Type.String(),
  /** Everywhere the workspace has had its objects, so that nothing is left behind where a template moves it. The last is where it is. */
  places: Type.Array(Type.Object({ use_kubeconfig: Type.Boolean(), namespace: Type.String() })),
})
export type KubernetesState = Static<typeof KubernetesState>
