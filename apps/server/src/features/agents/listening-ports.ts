import { finished, type Duplex } from 'node:stream'
import { Failure, type ListeningPortsResponse } from '@berth/schema'

type ListeningPort = ListeningPortsResponse['ports'][number]

const MIN_PORT = 9
const MAX_PORT = 65_535
/** Enough for ten thousand ports. A longer list would hold up other requests while it is parsed. */
const MAX_LIST_BYTES = 1024 * 1024
/** How long an agent may take, from the dial to the end of its list. */
const LIST_TIMEOUT_MS = 10_000

/** Ports of protocols that browsers don't speak (Coder v2 API, v0.13.4). */
const IGNORED_PORTS = new Set([
  20, 21, 22, 23, 25, 53, 110, 143, 179, 389, 465, 587, 636, 989, 990, 993, 995, 3306, 3389, 5432, 27017, 27018, 27019, 28017,
])

/**
 * Asks an agent for its listening ports. Leaves out duplicates, and ports that are reserved,
 * ignored or an app's. Throws `agent_failed` when the agent doesn't send a list in time, and what
 * `dial` throws when the agent isn't connected.
 */
export async function readListeningPorts(
  dial: (signal: AbortSignal) => Promise<Duplex>,
  appUrls: readonly string[],
): Promise<ListeningPortsResponse> {
  const list = await askAgent(dial)
  const appPorts = new Set(appUrls.filter((url) => URL.canParse(url)).map((url) => Number(new URL(url).port)))
  const ports = new Map<number, ListeningPort>()
  for (const listening of listedPorts(list)) {
    const { port } = listening
    if (!IGNORED_PORTS.has(port) && !appPorts.has(port) && !ports.has(port)) ports.set(port, listening)
  }
  return { ports: [...ports.values()] }
}

async function askAgent(dial: (signal: AbortSignal) => Promise<Duplex>): Promise<unknown> {
  const timeout = AbortSignal.timeout(LIST_TIMEOUT_MS)
  try {
    return JSON.parse(await readText(await dial(timeout), timeout))
  } catch (error) {
    if (Failure.is(error)) throw error
    throw failed(timeout.aborted ? `It took longer than ${LIST_TIMEOUT_MS / 1000} s.` : detailOf(error), error)
  }
}

function detailOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'It did not send JSON.'
  return error instanceof Error ? error.message : ''
}

function failed(detail: string, cause?: unknown): Failure {
  return new Failure('agent_failed', { detail, cause })
}

/**
 * Returns the valid entries of a list. It comes from inside a workspace, so nothing in it is
 * trusted.
 */
function listedPorts(list: unknown): ListeningPort[] {
  if (typeof list !== 'object' || list === null || !('ports' in list) || !Array.isArray(list.ports))
    throw failed('It sent something other than a list of ports.')
  return list.ports.flatMap((entry: unknown): ListeningPort[] => {
    if (typeof entry !== 'object' || entry === null || !('port' in entry)) return []
    const { port } = entry
    if (typeof port !== 'number' || !Number.isInteger(port) || port < MIN_PORT || port > MAX_PORT) return []
    const name = 'process_name' in entry && typeof entry.process_name === 'string' ? entry.process_name : ''
    return [{ process_name: name, network: 'tcp', port }]
  })
}

async function readText(stream: Duplex, timeout: AbortSignal): Promise<string> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const end = (): void => void stream.destroy(new Error('the agent did not finish its list of ports'))
    timeout.addEventListener('abort', end)
    if (timeout.aborted) end()
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_LIST_BYTES) stream.destroy(failed(`It sent a list of more than ${MAX_LIST_BYTES} bytes.`))
      else chunks.push(chunk)
    })
    finished(stream, { writable: false }, (error) => {
      timeout.removeEventListener('abort', end)
      if (error) return reject(error)
      stream.destroy()
      return resolve(Buffer.concat(chunks).toString('utf8'))
    })
  })
}
