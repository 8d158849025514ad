import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ListeningPortsResponse } from '@berth/schema'

const MIN_PORT = 9

/** Ports of programs that nobody wants to open in a browser (Coder v2 API, v0.13.4). */
const IGNORED_PORTS = new Set([
  20, 21, 22, 23, 25, 53, 110, 143, 179, 389, 465, 587, 636, 989, 990, 993, 995, 3306, 3389, 5432, 27017, 27018, 27019, 28017,
])

/** Reads the list that an agent sends, without ports that are reserved, uninteresting, or have an app already. */
export async function readListeningPorts(stream: Duplex, appUrls: readonly string[]): Promise<ListeningPortsResponse> {
  // What the agent says is checked by nobody else.
  const { ports = [] } = JSON.parse(await text(stream)) as Partial<ListeningPortsResponse>
  const appPorts = new Set(appUrls.filter((url) => URL.canParse(url)).map((url) => Number(new URL(url).port)))
  return { ports: ports.filter(({ port }) => port >= MIN_PORT && !IGNORED_PORTS.has(port) && !appPorts.has(port)) }
}
