import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startServerProcess, type ServerProcess } from '@berth/server/testing/server-process'
import type { DialTunnel, TunnelStream } from '@berth/tunnel'
import { flood, joinedEnds } from './joined-ends.ts'
import { figureLine, percentile, print, reportLine, timeInTurns } from './percentiles.ts'
import { seedWorkspaces } from './seed.ts'
import { withDataDirectory, withServer, type Measured } from './with-server.ts'

const MEBIBYTE = 1024 * 1024
const TRANSFER_BYTES = 128 * MEBIBYTE
const TRANSFERS = 5
const DIALS = 200
const ECHOES = 1_000

/** Measures what a hop through another replica costs: dials, echoes, and a stream that is busy. */
export async function relay(): Promise<void> {
  await withServer(async (measured) => {
    await seedWorkspaces(measured.database, { from: 1, to: 100 })
    await withDataDirectory(async (dataDirectory) => {
      const another = await startReplica(measured, dataDirectory)
      await compare(measured, another).finally(async () => await another.stop())
    })
  })
}

/** Starts a second server on the database of the first. */
async function startReplica(first: Measured, dataDirectory: string): Promise<ServerProcess> {
  const keyFile = await readFile(join(first.dataDirectory, 'secret.key'), 'utf8')
  const keys = keyFile.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return await startServerProcess({
    dataDirectory,
    settings: {
      BERTH_PG_CONNECTION_URL: `postgres://berth@localhost/berth?host=${encodeURIComponent(first.database.host)}`,
      BERTH_SECRET_KEY: keys.join(','),
      BERTH_LOG_LEVEL: 'warn',
      BERTH_PROVISIONER_DAEMONS: '0',
    },
  })
}

async function compare(measured: Measured, another: ServerProcess): Promise<void> {
  const ends = await joinedEnds(measured, 1, ({ target, accept }) => {
    const stream = accept()
    if (target === 'ssh') stream.pipe(stream)
    else flood(stream, TRANSFER_BYTES)
  })
  const clients = [ends.client, await ends.clientAt(another.url)]
  // The first dial connects the replicas.
  for (const client of clients) await echo(await client.dial('ssh'))
  const dials = await timeInTurns(
    DIALS,
    clients.map((client) => async () => void (await client.dial('ssh')).destroy()),
  )
  report('a dial', dials)
  const streams = await Promise.all(clients.map(async (client) => await client.dial('ssh')))
  report(
    'an echo',
    await timeInTurns(
      ECHOES,
      streams.map((stream) => async () => await echo(stream)),
    ),
  )
  const transfers = await timeInTurns(
    TRANSFERS,
    clients.map((client) => async () => await readAll(client)),
  )
  for (const [index, name] of ['directly', 'through another replica'].entries())
    print(
      figureLine(`best of ${TRANSFERS} transfers of 128 MiB ${name}`, {
        value: (TRANSFER_BYTES / MEBIBYTE / Math.min(...(transfers[index] ?? []))) * 1_000,
        unit: 'MiB/s',
      }),
    )
  const [alone, hop] = transfers.map((samples) => Math.min(...samples)) as [number, number] // of the two clients
  print(figureLine('  share of the throughput that is left, by the best', { value: alone / hop, unit: '' }))
  for (const client of clients) client.close()
  ends.close()
}

function report(what: string, [direct = [], relayed = []]: readonly number[][]): void {
  print(reportLine(`${what}, directly`, direct))
  print(reportLine(`${what}, through another replica`, relayed))
  print(figureLine('  added by the median', { value: percentile(relayed, 0.5) - percentile(direct, 0.5), unit: 'ms' }))
}

async function echo(stream: TunnelStream): Promise<void> {
  stream.write('x')
  await once(stream, 'data')
}

async function readAll(client: DialTunnel): Promise<void> {
  const stream = await client.dial('ports/1')
  let arrived = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) arrived += chunk.length
  if (arrived !== TRANSFER_BYTES) throw new Error(`${arrived} of ${TRANSFER_BYTES} bytes arrived`)
}
