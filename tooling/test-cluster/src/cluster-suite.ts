import { missingForCluster } from './missing-for-cluster.ts'

/**
 * Returns the title of tests that need a cluster, and whether to skip them. If the machine can't
 * run a cluster, the title says why. In continuous integration they are never skipped, and fail
 * with the reason.
 */
export async function clusterSuite(title: string): Promise<{ readonly title: string; readonly isLeftOut: boolean }> {
  const missing = await missingForCluster()
  if (missing === undefined) return { title, isLeftOut: false }
  return { title: `${title}, which this machine can't have: ${missing}`, isLeftOut: process.env['CI'] === undefined }
}
