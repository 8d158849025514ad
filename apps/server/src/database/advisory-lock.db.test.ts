import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database/create-test-database.ts'
import { execute } from '../../test/database/test-postgres.ts'
import { tryHoldAdvisoryLock } from './advisory-lock.ts'

const logger = pino({ level: 'silent' })
let database: TestDatabase
beforeAll(async () => void (database = await createTestDatabase()))
afterAll(async () => await database.drop())

async function hold(name: string) {
  return await tryHoldAdvisoryLock({ connectionUrl: database.url, name, logger })
}

test('one process holds a lock at a time, until it releases it', async () => {
  const first = await hold('one')
  expect(first).toBeDefined()
  expect(await hold('one')).toBeUndefined()
  const other = await hold('two')
  expect(other).toBeDefined()
  await first?.release()
  await first?.lost
  const second = await hold('one')
  expect(second).toBeDefined()
  await Promise.all([second?.release(), other?.release()])
})

test('a holder that loses its connection loses the lock and is told', async () => {
  const first = await hold('broken')
  const kill = `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`
  await execute(database.url, [kill])
  await first?.lost
  const second = await hold('broken')
  expect(second).toBeDefined()
  await second?.release()
})
