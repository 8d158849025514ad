import { answerTunnel, socketStream, tunnelSocketOptions, TunnelRefusal } from '@berth/tunnel'
import { WebSocket } from 'ws'
import { figureLine, print } from './percentiles.ts'
import { residentMiB } from './resident-memory.ts'
import { agentToken, seedWorkspaces } from './seed.ts'
import { withServer, type Measured } from './with-server.ts'

const AGENTS = 2_000
const AT_ONCE = 50
const SETTLE_MS = 20_000
const WATCHED_MS = 30_000
const MAX_WRITES_PER_SECOND = 20

/** Measures connected, idle agents. */
export async function agents(): Promise<void> {
  await withServer(async ({ server, database }) => {
    await seedWorkspaces(database, { from: 1, to: AGENTS })
    const without = await residentMiB(server.pid)
    const sockets: WebSocket[] = []
    for (let start = 1; start <= AGENTS; start += AT_ONCE)
      sockets.push(
        ...(await Promise.all(Array.from({ length: AT_ONCE }, async (_, index) => await connect(server.url, agentToken(start + index))))),
      )
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    const tablesBefore = await writesByTable(database)
    const before = await activity(database)
    await new Promise((resolve) => setTimeout(resolve, WATCHED_MS))
    const after = await activity(database)
    const seconds = (after.at - before.at) / 1_000
    const open = sockets.filter((socket) => socket.readyState === WebSocket.OPEN).length
    print(figureLine(`agents connected, of ${AGENTS}`, { value: open, unit: 'agents' }))
    print(
      figureLine('transactions per second, including reads', { value: (after.transactions - before.transactions) / seconds, unit: '/s' }),
    )
    print(
      figureLine('rows written per second', { value: (after.writes - before.writes) / seconds, unit: '/s', target: MAX_WRITES_PER_SECOND }),
    )
    for (const [name, writes] of await writesByTable(database)) {
      const written = writes - (tablesBefore.get(name) ?? 0)
      if (written > 0) print(figureLine(`  in table ${name}`, { value: written / seconds, unit: '/s' }))
    }
    print(figureLine('memory per agent', { value: ((await residentMiB(server.pid)) - without) * (1024 / AGENTS), unit: 'KiB' }))
    for (const socket of sockets) socket.terminate()
  })
}

async function connect(url: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v2/workspaceagents/me/tunnel`, {
    ...tunnelSocketOptions,
    headers: { 'Coder-Session-Token': token },
  })
  answerTunnel(socketStream(socket), () => {
    throw new TunnelRefusal(404, 'This benchmark agent has no targets.')
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.on('error', reject)
  })
  return socket
}

/** Returns the rows written to each table since it was created. */
async function writesByTable(database: Measured['database']): Promise<ReadonlyMap<string, number>> {
  const { rows } = await database.query<{ name: string; writes: number }>(
    `select relname as name, (n_tup_ins + n_tup_upd + n_tup_del)::float8 as writes from pg_stat_user_tables`,
  )
  return new Map(rows.map(({ name, writes }) => [name, writes]))
}

/**
 * Returns the database's activity since it started. A connection's statistics arrive once it has
 * been idle briefly.
 */
async function activity(database: Measured['database']): Promise<{ at: number; transactions: number; writes: number }> {
  const { rows } = await database.query<{ transactions: number; writes: number }>(`
    select (select xact_commit from pg_stat_database where datname = current_database())::float8 as transactions,
      (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables)::float8 as writes`)
  return { at: performance.now(), transactions: rows[0]?.transactions ?? Number.NaN, writes: rows[0]?.writes ?? Number.NaN }
}
