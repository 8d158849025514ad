import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'

/** Sends requests as a cluster administrator, without a client library. */
export interface KubernetesApi {
  /**
   * Returns the body of the response, parsed if it is JSON. Throws an error with the body for a
   * status other than 2xx.
   */
  send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown>
  /** Closes open connections. */
  close(): void
}

/** A kubeconfig as this package writes it: as JSON, which is valid YAML, with its certificates. */
export interface Kubeconfig {
  readonly clusters: readonly [{ readonly name: string; readonly cluster: ClusterEntry }]
  readonly users: readonly [{ readonly name: string; readonly user: UserEntry }]
}

interface ClusterEntry {
  readonly server: string
  readonly 'certificate-authority-data': string
}

interface UserEntry {
  readonly 'client-certificate-data': string
  readonly 'client-key-data': string
}

export async function openKubernetesApi(kubeconfigPath: string): Promise<KubernetesApi> {
  const kubeconfig = JSON.parse(await readFile(kubeconfigPath, 'utf8')) as Kubeconfig // writeKubeconfig wrote it
  const { server, 'certificate-authority-data': authority } = kubeconfig.clusters[0].cluster
  const { 'client-certificate-data': certificate, 'client-key-data': key } = kubeconfig.users[0].user
  const agent = new Agent({ keepAlive: true, ca: decode(authority), cert: decode(certificate), key: decode(key) })
  const send = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const [status, answer] = await new Promise<[number, string]>((resolve, reject) => {
      const sent = request(new URL(path, server), { method, agent, headers: { 'content-type': 'application/json' } }, (response) => {
        text(response).then((words) => resolve([response.statusCode ?? 0, words]), reject)
      })
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
    if (status < 200 || status > 299) throw new Error(`${method} ${path} returned ${status}: ${answer}`)
    return answer.startsWith('{') ? JSON.parse(answer) : answer
  }
  return { send, close: () => agent.destroy() }
}

function decode(data: string): Buffer {
  return Buffer.from(data, 'base64')
}
