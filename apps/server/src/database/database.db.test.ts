import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database/create-test-database.ts'
import { execute } from '../../test/database/test-postgres.ts'
import { isConnectionError } from './database-errors.ts'
import { openDatabase, type Database } from './database.ts'

let testDatabase: TestDatabase
let database: Database

beforeAll(async () => {
  testDatabase = await createTestDatabase()
  await execute(testDatabase.url, [
    `create type mood as enum ('good', 'bad, really')`,
    'create table counters (name text primary key, value int8 not null)',
    `insert into counters values ('a', 0), ('b', 0), ('c', 0)`,
  ])
  database = await testDatabase.open()
})
afterAll(async () => await testDatabase.drop())

async function valueOf(expression: string): Promise<unknown> {
  const { rows } = await sql<{ value: unknown }>`select ${sql.raw(expression)} as value`.execute(database.kysely)
  return rows[0]?.value
}

test.each([
  [`'2022-12-19 10:00:00.123456+00'::timestamptz`, '2022-12-19T10:00:00.123456Z'],
  [`'2022-12-19 10:00:00.120000+00'::timestamptz`, '2022-12-19T10:00:00.12Z'],
  [`'2022-12-19 12:00:00+02'::timestamptz`, '2022-12-19T10:00:00Z'],
  [`'0001-01-01 00:00:00+00'::timestamptz`, '0001-01-01T00:00:00Z'],
  [`9007199254740991::int8`, 9007199254740991],
  [`1.5::numeric`, 1.5],
  [`'\\x00ff'::bytea`, Buffer.from([0, 255])],
  [`'{"a":[1]}'::jsonb`, { a: [1] }],
  [`'{9007199254740991,null}'::int8[]`, [9007199254740991, null]],
  [`array['2022-12-19 10:00:00.5+00'::timestamptz]`, ['2022-12-19T10:00:00.5Z']],
  [`array['8d9c3b1e-5f0a-4d55-8a5e-000000000001'::uuid]`, ['8d9c3b1e-5f0a-4d55-8a5e-000000000001']],
  [`array['bad, really', 'good']::mood[]`, ['bad, really', 'good']],
  [`'1 day 02:03:04'::interval`, 'P1DT2H3M4S'],
])('%s is read as %j', async (expression, value) => {
  expect(await valueOf(expression)).toEqual(value)
})

test('a time with microseconds comes back as it went in, as text and as an argument', async () => {
  const time = '2022-12-19T10:00:00.123456Z'
  const { rows } = await sql<{
    time: string
    same: boolean
  }>`select ${time}::timestamptz as time, ${time}::timestamptz = ${time} as same`.execute(database.kysely)
  expect(rows).toEqual([{ time, same: true }])
})

test('an integer that a number can’t hold is an error and leaves the connection usable', async () => {
  await expect(valueOf('9007199254740992')).rejects.toThrow('too large')
  expect(await valueOf('1::int8')).toBe(1)
})

test('statements with parameters are prepared once on a connection, by name', async () => {
  const single = await testDatabase.open({ maxConnections: 1 })
  for (const name of ['a', 'b', 'c']) await sql`select value from counters where name = ${name}`.execute(single.kysely)
  const { rows } = await sql<{ statement: string; uses: number }>`
    select statement, (generic_plans + custom_plans) as uses from pg_prepared_statements`.execute(single.kysely)
  expect(rows).toContainEqual({ statement: 'select value from counters where name = $1', uses: 3 })
})

test('statements beyond the limit of a connection still run', async () => {
  const single = await testDatabase.open({ maxConnections: 1 })
  for (let index = 0; index < 1_050; index++) await sql`select ${index}::int4 as ${sql.raw(`column_${index}`)}`.execute(single.kysely)
  const { rows } = await sql<{ count: number }>`select count(*) as count from pg_prepared_statements`.execute(single.kysely)
  expect(rows[0]?.count).toBeLessThanOrEqual(1_000)
})

test('a prepared statement keeps working when a migration changes its table', async () => {
  await execute(testDatabase.url, ['create table changing (id int primary key)', 'insert into changing values (1)'])
  const single = await testDatabase.open({ maxConnections: 1 })
  const read = async () => (await sql`select * from changing where id = ${1}`.execute(single.kysely)).rows
  expect(await read()).toEqual([{ id: 1 }])
  await execute(testDatabase.url, ['alter table changing add column name text'])
  expect(await read()).toEqual([{ id: 1, name: null }])
  expect(
    await single.transaction(async (transaction) => (await sql`select * from changing where id = ${1}`.execute(transaction)).rows),
  ).toEqual([{ id: 1, name: null }])
  await execute(testDatabase.url, ['alter table changing add column more text'])
  // Inside a transaction the statement can't be repeated alone, so the transaction is.
  expect(
    await single.transaction(async (transaction) => (await sql`select * from changing where id = ${1}`.execute(transaction)).rows),
  ).toEqual([{ id: 1, name: null, more: null }])
})

test('a transaction that throws leaves nothing behind', async () => {
  const failing = database.transaction(async (transaction) => {
    await sql`update counters set value = 99 where name = 'c'`.execute(transaction)
    throw new Error('changed its mind')
  })
  await expect(failing).rejects.toThrow('changed its mind')
  expect(await valueOf(`(select value from counters where name = 'c')`)).toBe(0)
})

test('a transaction that ignores a failed statement does not claim to have committed', async () => {
  const passedOver = database.transaction(async (transaction) => {
    await sql`update counters set value = 99 where name = 'c'`.execute(transaction)
    await sql`select 1 / 0`.execute(transaction).catch(() => {})
  })
  await expect(passedOver).rejects.toThrow('rolled back')
})

test('two transactions in a deadlock both succeed: the victim runs again', async () => {
  let runs = 0
  const barrier = new Map<string, () => void>()
  const reached = (name: string) => new Promise<void>((resolve) => barrier.set(name, resolve))
  const both = [reached('a'), reached('b')]
  const increment = async (first: string, second: string) => {
    await database.transaction(async (transaction) => {
      runs++
      await sql`update counters set value = value + 1 where name = ${first}`.execute(transaction)
      barrier.get(first)?.()
      await Promise.all(both)
      await sql`update counters set value = value + 1 where name = ${second}`.execute(transaction)
    })
  }
  await Promise.all([increment('a', 'b'), increment('b', 'a')])
  expect(runs).toBe(3)
  expect(await valueOf(`(select array_agg(value order by name) from counters where name in ('a', 'b'))`)).toEqual([2, 2])
})

async function addOne(): Promise<void> {
  await database.transaction(
    async (transaction) => {
      const { rows } = await sql<{ value: number }>`select value from counters where name = 'c'`.execute(transaction)
      await sql`update counters set value = ${(rows[0]?.value ?? 0) + 1} where name = 'c'`.execute(transaction)
    },
    { isolationLevel: 'serializable' },
  )
}

test('serializable transactions that get in each other’s way run again and lose nothing', async () => {
  await Promise.all([addOne(), addOne(), addOne()])
  expect(await valueOf(`(select value from counters where name = 'c')`)).toBe(3)
})

test('a connection that is cut in a transaction fails it with a connection error, and the next one works', async () => {
  const cut = database.transaction(async (transaction) => {
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(transaction)
  })
  expect(isConnectionError(await cut.catch((error: unknown) => error))).toBe(true)
  expect(await valueOf('1')).toBe(1)
})

test('connections that are cut while idle are replaced', async () => {
  const pool = await testDatabase.open({ maxConnections: 3 })
  await pool.warm(3)
  await execute(testDatabase.url, [
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  ])
  const answers = Array.from({ length: 3 }, async () => await sql`select 1 as one`.execute(pool.kysely).catch((error: unknown) => error))
  for (const answer of await Promise.all(answers)) if (answer instanceof Error) expect(isConnectionError(answer)).toBe(true)
  expect((await sql`select 1 as one`.execute(pool.kysely)).rows).toEqual([{ one: 1 }])
})

test('a statement that runs too long is cancelled', async () => {
  const hasty = await testDatabase.open({ statementTimeoutMs: 50 })
  await expect(sql`select pg_sleep(60)`.execute(hasty.kysely)).rejects.toThrow('statement timeout')
})

test('warm opens as many connections as asked, within the limit', async () => {
  const pool = await testDatabase.open({ maxConnections: 3 })
  const count = async () =>
    (
      await sql<{
        count: number
      }>`select count(*) from pg_stat_activity where datname = current_database() and application_name = 'berth'`.execute(pool.kysely)
    ).rows[0]?.count ?? 0
  const before = await count()
  await pool.warm(10)
  expect((await count()) - before).toBe(2)
})

test('an absent server is an error that names it, without the password', async () => {
  const opening = openDatabase({
    connectionUrl: 'postgresql://berth:secret@127.0.0.1:1/workspaces',
    logger: pino({ level: 'silent' }),
    patienceMs: 0,
  })
  const error = await opening.catch((reason: unknown) => String(reason))
  expect(error).toMatch(/Can't reach PostgreSQL \(database workspaces at 127\.0\.0\.1:1\): .*ECONNREFUSED/)
  expect(error).not.toContain('secret')
})
