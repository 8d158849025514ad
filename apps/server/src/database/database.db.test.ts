import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../../test/database/create-test-database.ts'
import type { Database } from './database.ts'

let testDatabase: TestDatabase
let database: Database

beforeAll(async () => {
  testDatabase = await createTestDatabase()
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
])('%s is read as %j', async (expression, value) => {
  expect(await valueOf(expression)).toEqual(value)
})
