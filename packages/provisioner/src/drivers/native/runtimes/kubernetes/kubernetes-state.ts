import { Type, type Static } from '@sinclair/typebox'

/**
 * The state of a workspace on the runtime `kubernetes`. It contains no secrets: tokens are in a
 * secret of the cluster.
 */
export const KubernetesState = Type.Object({
  version: Type.Literal(1),
  runtime: Type.Literal('kubernetes'),
  workspace_id: Type.String(),
  /**
   * All places with objects of the workspace, so that a delete finds them even if the template
   * moved the workspace. The last is current.
   */
  places: Type.Array(Type.Object({ use_kubeconfig: Type.Boolean(), namespace: Type.String() })),
})
export type KubernetesState = Static<typeof KubernetesState>
