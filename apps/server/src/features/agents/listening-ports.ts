import { finished, type Duplex } from 'node:stream'
import type { ListeningPortsResponse } from '@berth/schema'

type ListeningPort = ListeningPortsResponse['ports'][number]

const MIN_PORT = 9
const MAX_PORT = 65_535
/** Enough for a list of all ports with a name for each. */
const MAX_LIST_BYTES = 8 * 1024 * 1024
const LIST_TIMEOUT_MS = 10_000

/** Ports of protocols that browsers don't speak (Coder v2 API, v0.13.4). */
const IGNORED_PORTS = new Set([
  20, 21, 22, 23, 25, 53, 110, 143, 179, 389, 465, 587, 636, 989, 990, 993, 995, 3306, 3389, 5432, 27017, 27018, 27019, 28017,
])

/**
 * Reads the list that an agent sends. Leaves out duplicates, and ports that are reserved, ignored
 * or an app's.
 */
export async function readListeningPorts(stream: Duplex, appUrls: readonly string[]): Promise<ListeningPortsResponse> {
  const list: unknown = JSON.parse(await readText(stream))
  const appPorts = new Set(appUrls.filter((url) => URL.canParse(url)).map((url) => Number(new URL(url).port)))
  const ports = new Map<number, ListeningPort>()
  for (const listening of listedPorts(list)) {
    const { port } = listening
    if (!IGNORED_PORTS.has(port) && !appPorts.has(port) && !ports.has(port)) ports.set(port, listening)
  }
  return { ports: [...ports.values()] }
}

/**
 * Returns the valid entries of a list. It comes from inside a workspace, so nothing in it is
 * trusted.
 */
function listedPorts(list: unknown): ListeningPort[] {
  if (typeof list !== 'object' || list === null || !('ports' in list) || !Array.isArray(list.ports))
    throw new Error('the agent sent something other than a list of ports')
  return list.ports.flatMap((entry: unknown): ListeningPort[] => {
    if (typeof entry !== 'object' || entry === null || !('port' in entry)) return []
    const { port } = entry
    if (typeof port !== 'number' || !Number.isInteger(port) || port < MIN_PORT || port > MAX_PORT) return []
    const name = 'process_name' in entry && typeof entry.process_name === 'string' ? entry.process_name : ''
    return [{ process_name: name, network: 'tcp', port }]
  })
}

async function readText(stream: Duplex): Promise<string> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const timer = setTimeout(() => stream.destroy(new Error('the agent did not finish its list of ports')), LIST_TIMEOUT_MS)
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_LIST_BYTES) stream.destroy(new Error('the agent sent a list of ports that is too long'))
      else chunks.push(chunk)
    })
    finished(stream, { writable: false }, (error) => {
      clearTimeout(timer)
      if (error) return reject(error)
      stream.destroy()
      return resolve(Buffer.concat(chunks).toString('utf8'))
    })
  })
}
