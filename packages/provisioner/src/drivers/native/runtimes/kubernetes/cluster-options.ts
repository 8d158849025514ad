/** Where the server finds its access to clusters. */
export interface ClusterOptions {
  /**
   * The files of the kubeconfig, in order of precedence. Missing ones are skipped; at least one
   * must exist.
   */
  readonly kubeconfigPaths: readonly string[]
  /** The root of the path to the pod's service account. Default: `/`. */
  readonly rootDirectory?: string
}
