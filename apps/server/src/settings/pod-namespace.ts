import { readFile } from 'node:fs/promises'

/** Where Kubernetes tells a pod its namespace, next to the token of its service account. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/** The namespace of the pod that the server runs in; undefined where it runs in none, or in one without a service account. */
export async function readPodNamespace(): Promise<string | undefined> {
  try {
    const namespace = (await readFile(NAMESPACE_FILE, 'utf8')).trim()
    return namespace === '' ? undefined : namespace
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
    throw error
  }
}
