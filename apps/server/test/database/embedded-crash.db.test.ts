import { once } from 'node:events'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { isConnectionError } from '../../src/database/database-errors.ts'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { evaluate, isAlive, kill, silent, start, startElsewhere, temporaryDirectory, until } from './embedded-fixture.ts'

const ROUNDS = 5
const WRITERS = 4

async function openPool(connectionUrl: string): Promise<Database> {
  const database = await openDatabase({ connectionUrl, logger: silent, maxConnections: WRITERS })
  onTestFinished(async () => await database.close())
  return database
}

/** Commits rows one by one until told to stop. Returns the IDs of the acknowledged ones. */
async function commitUntil(database: Database, writer: number, isOver: () => boolean): Promise<string[]> {
  const acknowledged: string[] = []
  for (let count = 0; !isOver(); count++) {
    const id = `${writer}-${count}`
    try {
      await database.transaction(async (transaction) => await sql`insert into written (id) values (${id})`.execute(transaction))
      acknowledged.push(id)
    } catch (error) {
      if (!isConnectionError(error)) throw error
    }
  }
  return acknowledged
}

async function rowIds(database: Database): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`select id from written`.execute(database.kysely)
  return new Set(rows.map(({ id }) => id))
}

test(`kill -9 of the server during commits, ${ROUNDS} times: it comes back, the pool recovers, nothing acknowledged is lost`, async () => {
  const postgres = await start(await temporaryDirectory(), { isDurable: true })
  const database = await openPool(postgres.url)
  await sql`create table written (id text primary key)`.execute(database.kysely)
  let isOver = false
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => commitUntil(database, writer, () => isOver)))
  for (let round = 0; round < ROUNDS; round++) {
    const before = (await rowIds(database)).size
    await until(async () => (await rowIds(database)).size > before + 20, 'commits go on')
    const up = once(postgres.events, 'up')
    process.kill(postgres.pid ?? 0, 'SIGKILL')
    await up
    await until(async () => (await rowIds(database).catch(() => new Set())).size > before, 'the pool has recovered')
  }
  isOver = true
  const acknowledged = (await writers).flat()
  const present = await rowIds(database)
  expect(acknowledged.length).toBeGreaterThan(ROUNDS * 20)
  expect(acknowledged.filter((id) => !present.has(id))).toEqual([])
})

test('kill -9 of one backend: the server recovers by itself and the pool with it', async () => {
  const postgres = await start(await temporaryDirectory())
  const database = await openPool(postgres.url)
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.kysely)
  const serverPid = postgres.pid
  process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
  await until(async () => {
    const answer = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.kysely).catch(() => undefined)
    return answer !== undefined && answer.rows[0]?.pid !== rows[0]?.pid
  }, 'the pool has recovered')
  expect(postgres.pid).toBe(serverPid)
})

test('a shutdown by somebody else is undone', async () => {
  const postgres = await start(await temporaryDirectory())
  const up = once(postgres.events, 'up')
  const down = once(postgres.events, 'down')
  process.kill(postgres.pid ?? 0, 'SIGINT')
  expect(await down).toEqual(['exit code 0'])
  await up
  expect(await evaluate(postgres.url, '1 + 1')).toBe(2)
})

test('a statement while the server is down waits for it to come back', async () => {
  const data = await temporaryDirectory()
  const postgres = await start(data)
  const database = await openPool(postgres.url)
  await postgres.stop()
  const answer = sql<{ two: number }>`select 2 as two`.execute(database.kysely)
  await start(data)
  expect((await answer).rows).toEqual([{ two: 2 }])
})

test('stop ends the server and its processes, with transactions open', async () => {
  const postgres = await start(await temporaryDirectory())
  const { pid, url } = postgres
  const pending = evaluate(url, 'pg_sleep(600)')
  await until(
    async () => (await evaluate(url, `(select count(*) from pg_stat_activity where query like '%pg_sleep(600)%')::int`)) === 2,
    'it sleeps',
  )
  const failed = expect(pending).rejects.toThrow('terminat')
  await postgres.stop()
  await failed
  expect(isAlive(pid ?? 0)).toBe(false)
  expect(postgres.pid).toBeUndefined()
})

test('kill -9 of Berth: its server ends too, or the next start ends it, and the data is all there', async () => {
  const data = join(await temporaryDirectory(), 'data')
  for (let round = 0; round < 3; round++) {
    const other = await startElsewhere(data)
    expect(await evaluate(other.postgres.url, `lo_from_bytea(${1000 + round}, 'kept')`)).toBe(1000 + round)
    await kill(other.child)
    const next = await start(data)
    expect(next.pid).not.toBe(other.postgres.pid)
    expect(isAlive(other.postgres.pid)).toBe(false)
    expect(await evaluate(next.url, '(select count(*) from pg_largeobject)::int')).toBe(round + 1)
    await next.stop()
  }
})

test('a server that outlives its Berth is shut down by the next start', async () => {
  const data = join(await temporaryDirectory(), 'data')
  const other = await startElsewhere(data, { withoutDeathSignal: true })
  await kill(other.child)
  expect(isAlive(other.postgres.pid)).toBe(true)
  const next = await start(data)
  expect(isAlive(other.postgres.pid)).toBe(false)
  expect(await evaluate(next.url, '1 + 1')).toBe(2)
})

test('two starts on a server that outlived its Berth: one takes over, the other is refused', async () => {
  const data = join(await temporaryDirectory(), 'data')
  const other = await startElsewhere(data, { withoutDeathSignal: true })
  await kill(other.child)
  const results = await Promise.allSettled([startElsewhere(data), startElsewhere(data)])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})
