import { readFile } from 'node:fs/promises'

/** Kubernetes puts it next to the token of the pod's service account. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/**
 * Returns the namespace of the pod that the server runs in; undefined outside a pod, or without a
 * service account.
 */
export async function readPodNamespace(): Promise<string | undefined> {
  try {
    const namespace = (await readFile(NAMESPACE_FILE, 'utf8')).trim()
    return namespace === '' ? undefined : namespace
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
    throw error
  }
}
