import { connect, type Socket } from 'node:net'
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

/** Measures many watchers of one workspace, and many idle streams of different workspaces. */
export async function watch(): Promise<void> {
  await withServer(async (measured) => {
    await seedWorkspaces(measured.database, { from: 1, to: IDLE_STREAMS })
    await measureDelivery(measured)
    await measureIdleStreams(measured)
  })
}

async function measureDelivery({ server, owner, ownerToken, database }: Measured): Promise<void> {
  const [id = ''] = await workspaceIds(database, 1)
  const arrivals = new EventTarget()
  const streams = await openStreams(
    Array.from({ length: WATCHERS }, () => id),
    { url: server.url, token: ownerToken, onEvent: () => arrivals.dispatchEvent(new Event('event')) },
  )
  const samples: number[] = []
  for (let change = 0; change < CHANGES; change++) samples.push(...(await deliver({ owner, id, change, arrivals })))
  print(reportLine(`change requested → event at each of ${WATCHERS} watchers`, samples, 100))
  for (const stream of streams) stream.destroy()
}

/** Requests a change and returns how long it took to reach each watcher. */
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
  // The first streams also cost the memory of compiled code.
  const warm = await openStreams(ids.slice(0, AT_ONCE), { url: server.url, token: ownerToken })
  for (const stream of warm) stream.destroy()
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const before = await residentKiBOf(server.pid)
  const streams = await openStreams(ids, { url: server.url, token: ownerToken })
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const after = await residentKiBOf(server.pid)
  print(
    figureLine(`resident memory per stream, of ${IDLE_STREAMS} idle streams`, {
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
  readonly onEvent?: () => void
}

/**
 * Opens a stream for each workspace, a few at a time. A stream is open when its first ping arrives.
 */
async function openStreams(ids: readonly string[], options: StreamOptions): Promise<Socket[]> {
  const streams: Socket[] = []
  for (let start = 0; start < ids.length; start += AT_ONCE)
    streams.push(...(await Promise.all(ids.slice(start, start + AT_ONCE).map(async (id) => await openStream(id, options)))))
  return streams
}

/** Opens a stream over a plain socket, so that the cost of an HTTP client isn't measured. */
async function openStream(id: string, { url, token, onEvent }: StreamOptions): Promise<Socket> {
  const { hostname, port, host } = new URL(url)
  const stream = connect(Number(port), hostname)
  stream.write(`GET /api/v2/workspaces/${id}/watch HTTP/1.1\r\nHost: ${host}\r\nCoder-Session-Token: ${token}\r\n\r\n`)
  return await new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.once('data', (head: Buffer) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 200')) reject(new Error(`the server refused a watch: ${head.toString('latin1')}`))
    })
    stream.on('data', (chunk: Buffer) => {
      if (chunk.includes('event: data\n')) onEvent?.()
      if (chunk.includes('event: ping\n')) resolve(stream)
    })
  })
}

async function workspaceIds(database: Measured['database'], count: number): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(`select id from workspaces where name like 'ws-%' order by id limit ${count}`)
  return rows.map(({ id }) => id)
}
