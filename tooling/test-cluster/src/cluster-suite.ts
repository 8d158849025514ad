import { missingForCluster } from './missing-for-cluster.ts'

/**
 * The title of tests that need a cluster, and whether they are left out: where a machine has none, the title says why. In continuous integration they
 * are never left out, and fail with the reason.
 */
export async function clusterSuite(title: string): Promise<{ readonly title: string; readonly isLeftOut: boolean }> {
  const missing = await missingForCluster()
  if (missing === undefined) return { title, isLeftOut: false }
  return { title: `${title}, which this machine can't have: ${missing}`, isLeftOut: process.env['CI'] === undefined }
}
