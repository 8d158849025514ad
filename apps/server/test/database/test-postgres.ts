import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { pino } from 'pino'
import type { TestProject } from 'vitest/node'
import { connectionConfig, withDatabase } from '../../src/database/connection.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded/start-embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'

/** What a test process needs to make databases: a server, and a migrated database to copy. */
export interface TestPostgres {
  readonly adminUrl: string
  readonly template: string
  /** What the names of this run's databases begin with. */
  readonly prefix: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Socket that answers with the run's {@link TestPostgres} as JSON, once it is there. */
    testPostgresSocket: string
  }
}

/** Tests run many servers at once, each with a pool of its own. */
const MAX_CONNECTIONS = 300

/**
 * Sets up one PostgreSQL for the whole test run. It starts when the first test asks for it, so a
 * run without database tests doesn't pay for it. `BERTH_TEST_PG_URL` names a server to use instead;
 * its role must be allowed to create databases.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-test-'))
  await chmod(directory, 0o711) // as root the server runs under another user, who has to pass through
  let starting: Promise<RunningPostgres> | undefined
  const socketPath = join(directory, 'starter')
  const server = createServer((socket) => {
    socket.on('error', () => {}) // a test process that went away needs no answer
    starting ??= start(directory, process.env['BERTH_TEST_PG_URL'])
    starting.then(
      ({ postgres }) => socket.end(JSON.stringify(postgres)),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    )
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  project.provide('testPostgresSocket', socketPath)
  return async () => {
    await close(server)
    const running = await starting?.catch(() => undefined)
    await running?.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

interface RunningPostgres {
  readonly postgres: TestPostgres
  stop(): Promise<void>
}

async function start(directory: string, outsideUrl: string | undefined): Promise<RunningPostgres> {
  const logger = pino({ level: 'silent' })
  const embedded: EmbeddedPostgres | undefined =
    outsideUrl === undefined
      ? await startEmbeddedPostgres({ dataDirectory: join(directory, 'data'), isDurable: false, maxConnections: MAX_CONNECTIONS, logger })
      : undefined
  const adminUrl = outsideUrl ?? embedded?.url ?? ''
  const prefix = `berth_test_${randomBytes(4).toString('hex')}_`
  const template = `${prefix}template`
  await execute(adminUrl, [`create database ${template}`])
  await migrate({ connectionUrl: withDatabase(adminUrl, template), logger })
  return {
    postgres: { adminUrl, template, prefix },
    stop: async () => {
      if (embedded !== undefined) return await embedded.stop()
      await dropDatabases(adminUrl, prefix)
    },
  }
}

async function dropDatabases(adminUrl: string, prefix: string): Promise<void> {
  const client = new Client(connectionConfig(adminUrl, { statementTimeoutMs: 0 }))
  await client.connect()
  const { rows } = await client.query<{ datname: string }>('select datname from pg_database where starts_with(datname, $1)', [prefix])
  for (const { datname } of rows) await client.query(`drop database if exists ${datname} with (force)`)
  await client.end()
}

/** Runs statements that can't be in a transaction on a connection of their own. */
export async function execute(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client(connectionConfig(url, { statementTimeoutMs: 0 }))
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
