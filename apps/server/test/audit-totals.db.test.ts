import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectionConfig } from '../src/database/connection.ts'
import { callApi } from './call-api.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const INSERT = `insert into audit_logs (id, time, user_id, resource_type, resource_id, resource_target, action, status_code, request_id)
  values (gen_random_uuid(), $1, gen_random_uuid(), $2, gen_random_uuid(), 'thing', $3, 200, gen_random_uuid())`

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())
beforeEach(async () => {
  await runSql(server, 'truncate audit_logs')
})

async function count(q: string): Promise<number> {
  return (await server.client.audit.list({ query: { q } })).count
}

async function connect(): Promise<Client> {
  const client = new Client(connectionConfig(server.databaseUrl, { statementTimeoutMs: 0 }))
  await client.connect()
  return client
}

describe('the number of matches is exact', () => {
  beforeEach(async () => {
    for (const time of ['2022-08-14T23:59:59.999999Z', '2022-08-15T00:00:00Z', '2022-08-15T23:59:59.999999Z', '2022-08-16T00:00:00Z'])
      for (const [type, action] of [
        ['user', 'create'],
        ['user', 'delete'],
        ['template', 'delete'],
      ])
        await runSql(server, INSERT, [time, type, action])
  })

  test.each([
    ['', 12],
    ['resource_type:user', 8],
    ['action:delete', 8],
    ['resource_type:template action:create', 0],
    ['date_from:2022-08-15', 9],
    ['date_to:2022-08-15', 9],
    ['resource_type:user date_from:2022-08-15 date_to:2022-08-15', 4],
    ['date_from:2022-08-17', 0],
  ])('for %j', async (q, expected) => {
    expect(await count(q)).toBe(expected)
    const { audit_logs } = await server.client.audit.list({ query: { q, limit: 25 } })
    expect(audit_logs).toHaveLength(expected)
  })

  test('after some were deleted', async () => {
    await runSql(server, `delete from audit_logs where time < '2022-08-15' or action = 'create'`)
    expect([await count(''), await count('resource_type:user'), await count('action:create'), await count('date_to:2022-08-14')]).toEqual([
      6, 3, 0, 0,
    ])
  })

  test('after all were deleted at once', async () => {
    await runSql(server, 'truncate audit_logs')
    expect(await count('')).toBe(0)
  })

  test('when a change is taken back', async () => {
    const client = await connect()
    await client.query('begin')
    await client.query(INSERT, ['2022-08-15T12:00:00Z', 'user', 'create'])
    expect(await count('')).toBe(12)
    await client.query('rollback')
    expect(await count('')).toBe(12)
    await client.end()
  })
})

test('many who write entries of the same kinds at once, in whatever order, all get through', async () => {
  const kinds = ['user', 'workspace', 'template']
  const clients = await Promise.all(Array.from({ length: 12 }, connect))
  await Promise.all(
    clients.map(async (client, index) => {
      for (let round = 0; round < 10; round++) {
        await client.query('begin')
        for (const kind of index % 2 === 0 ? kinds : kinds.toReversed()) await client.query(INSERT, ['2022-08-15T12:00:00Z', kind, 'write'])
        await client.query('commit')
        if (round % 5 === 4)
          await client.query(`delete from audit_logs where id in (select id from audit_logs limit 3 for update skip locked)`)
      }
    }),
  )
  await Promise.all(clients.map(async (client) => await client.end()))
  const [actual] = await runSql(server, 'select count(*)::int as entries from audit_logs')
  expect(await count('')).toBe(actual?.['entries'])
})

test('an entry of a year that the database does not know is refused', async () => {
  const body = { resource_id: randomUUID(), time: '0000-12-31T23:59:59Z' }
  const { status, json } = await callApi(server, 'POST /audit/testgenerate', { body })
  expect([status, json.message, json.validations[0].field]).toEqual([400, 'Validation failed.', 'time'])
  expect(await count('')).toBe(0)
})
