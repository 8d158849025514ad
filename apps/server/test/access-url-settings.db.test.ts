import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LookUp } from '../src/settings/access-url-warning.ts'
import type { Config } from '../src/settings/config.ts'
import { createServer } from '../src/create-server.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
import { eventually } from './eventually.ts'
import { testConfig } from './start-test-server.ts'

const nowhere: LookUp = async () => await Promise.reject(new Error('getaddrinfo ENOTFOUND'))
const never: LookUp = async () => await new Promise(() => undefined)

let database: TestDatabase
let directory: string
beforeAll(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'berth-access-url-'))
})
afterAll(async () => {
  await database.drop()
  await rm(directory, { recursive: true, force: true })
})

/** Starts a server and stops it when `look` has seen enough of the warnings that it logged. */
async function warningsOf(
  overrides: Partial<Config>,
  { lookUp, look }: { lookUp: LookUp; look: (warnings: string[]) => Promise<unknown> },
): Promise<string[]> {
  const warnings: string[] = []
  const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push((JSON.parse(line) as { msg: string }).msg) })
  const server = await createServer(testConfig({ directory, databaseUrl: database.url, overrides }), { logger, drivers: [], lookUp })
  await look(warnings)
  await server.stop()
  return warnings
}

test('an access URL that was set and has no address is warned of once, and the server starts', async () => {
  verifies('deployment:access-url')
  const asked: string[] = []
  const warnings = await warningsOf(
    { accessUrl: 'https://nowhere.example.com' },
    {
      lookUp: async (host) => {
        asked.push(host)
        return await nowhere(host)
      },
      look: async (logged) => await eventually(async () => await Promise.resolve(logged.length > 0 || undefined)),
    },
  )
  expect(warnings).toEqual([expect.stringMatching(/cannot reach the access URL https:\/\/nowhere\.example\.com .*BERTH_ACCESS_URL/)])
  expect(asked).toEqual(['nowhere.example.com'])
})

test('a name that is looked up for ever does not hold up the start', async () => {
  verifies('deployment:access-url')
  expect(await warningsOf({ accessUrl: 'https://slow.example.com' }, { lookUp: never, look: async () => await Promise.resolve() })).toEqual(
    [],
  )
})

test('the address that it listens on is no access URL that somebody set', async () => {
  verifies('deployment:access-url')
  expect(await warningsOf({ accessUrl: undefined }, { lookUp: nowhere, look: async () => await Promise.resolve() })).toEqual([])
})
