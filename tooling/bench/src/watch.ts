import { request, Agent, type IncomingMessage } from 'node:http'
import type { Client } from '@berth/sdk'
import { figureLine, print, reportLine } from './percentiles.ts'
import { residentKiBOf } from './resident-memory.ts'
import { seedWorkspaces } from './seed.ts'
import { withServer, type Measured } from './with-server.ts'

const WATCHERS = 1_000
const CHANGES = 20
const IDLE_STREAMS = 10_000
const AT_ONCE = 50
const SETTLE_MS = 20_000

/** Watchers of one workspace, and streams on which nothing happens, each of a workspace of its own. */
export async function watch(): Promise<void> {
  await withServer(async (measured) => {
    await seedWorkspaces(measured.database, { from: 1, to: IDLE_STREAMS })
    await measureDelivery(measured)
    await measureIdleStreams(measured)
  })
}

async function measureDelivery({ server, owner, ownerToken, database }: Measured): Promise<void> {
  const [id = ''] = await workspaceIds(database, 1)
  const agent = new Agent({ maxSockets: Infinity })
  const arrivals = new EventTarget()
  const streams = await openStreams(
    Array.from({ length: WATCHERS }, () => id),
    { url: server.url, token: ownerToken, agent, onEvent: () => arrivals.dispatchEvent(new Event('event')) },
  )
  const samples: number[] = []
  for (let change = 0; change < CHANGES; change++) samples.push(...(await deliver({ owner, id, change, arrivals })))
  print(reportLine(`change asked for → event at each of ${WATCHERS} watchers`, samples, 100))
  for (const stream of streams) stream.destroy()
}

/** How long after a change was asked for each watcher had it. */
async function deliver(of: { owner: Client; id: string; change: number; arrivals: EventTarget }): Promise<number[]> {
  const samples: number[] = []
  const startedAt = performance.now()
  const everybody = new Promise<void>((resolve) => {
    const arrived = (): void => {
      samples.push(performance.now() - startedAt)
      if (samples.length < WATCHERS) return
      of.arrivals.removeEventListener('event', arrived)
      resolve()
    }
    of.arrivals.addEventListener('event', arrived)
  })
  await of.owner.workspaces.update({ params: { workspace: of.id }, body: { name: `renamed-${of.change}` } })
  await everybody
  return samples
}

async function measureIdleStreams({ server, ownerToken, database }: Measured): Promise<void> {
  const ids = await workspaceIds(database, IDLE_STREAMS)
  const agent = new Agent({ maxSockets: Infinity })
  // What the first streams cost is code, not streams.
  const warm = await openStreams(ids.slice(0, AT_ONCE), { url: server.url, token: ownerToken, agent })
  for (const stream of warm) stream.destroy()
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const before = await residentKiBOf(server.pid)
  const streams = await openStreams(ids, { url: server.url, token: ownerToken, agent })
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const after = await residentKiBOf(server.pid)
  print(
    figureLine(`resident memory for each of ${IDLE_STREAMS} idle streams`, {
      value: (after - before) / IDLE_STREAMS,
      unit: 'KiB',
      target: 25,
    }),
  )
  for (const stream of streams) stream.destroy()
}

interface StreamOptions {
  readonly url: string
  readonly token: string
  readonly agent: Agent
  readonly onEvent?: () => void
}

/** Opens a stream for each workspace, a few at a time; they are open when the first ping has come. */
async function openStreams(ids: readonly string[], options: StreamOptions): Promise<IncomingMessage[]> {
  const streams: IncomingMessage[] = []
  for (let start = 0; start < ids.length; start += AT_ONCE)
    streams.push(...(await Promise.all(ids.slice(start, start + AT_ONCE).map(async (id) => await openStream(id, options)))))
  return streams
}

async function openStream(id: string, { url, token, agent, onEvent }: StreamOptions): Promise<IncomingMessage> {
  const asked = request(`${url}/api/v2/workspaces/${id}/watch`, { agent, headers: { 'Coder-Session-Token': token } })
  return await new Promise((resolve, reject) => {
    asked.on('error', reject)
    asked.on('response', (stream) => {
      if (stream.statusCode !== 200) return reject(new Error(`a watch was answered with ${stream.statusCode}`))
      stream.on('error', () => undefined) // of the end that the measurement puts to it
      stream.on('data', (chunk: Buffer) => {
        if (chunk.includes('event: data\n')) onEvent?.()
        resolve(stream)
      })
      return undefined
    })
    asked.end()
  })
}

async function workspaceIds(database: Measured['database'], count: number): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(`select id from workspaces where name like 'ws-%' order by id limit ${count}`)
  return rows.map(({ id }) => id)
}
