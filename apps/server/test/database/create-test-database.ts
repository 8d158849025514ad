import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { inject } from 'vitest'
import { withDatabase } from '../../src/database/connection.ts'
import { openDatabase, type Database, type DatabaseOptions } from '../../src/database/database.ts'
import { execute, type TestPostgres } from './test-postgres.ts'

/** A database of its own for a test, migrated and empty. */
export interface TestDatabase {
  readonly name: string
  /** Connection URL, for example as BERTH_PG_CONNECTION_URL of a server. */
  readonly url: string
  /** Opens a pool on it; {@link TestDatabase.drop} closes it. */
  open(options?: Partial<DatabaseOptions>): Promise<Database>
  /** Drops it, ending whatever is still connected. */
  drop(): Promise<void>
}

let asked: Promise<TestPostgres> | undefined

/**
 * Creates a database for a test. Copies the migrated template unless `copied` names another
 * database, which must have no connections. Drop the copy when the test is over.
 */
export async function createTestDatabase(copied?: string): Promise<TestDatabase> {
  const { adminUrl, template, prefix } = await (asked ??= askForPostgres(inject('testPostgresSocket')))
  const name = `${prefix}${randomBytes(6).toString('hex')}`
  await execute(adminUrl, [`create database ${name} template ${copied ?? template}`])
  const url = withDatabase(adminUrl, name)
  const opened: Database[] = []
  return {
    name,
    url,
    open: async (options) => {
      const database = await openDatabase({ connectionUrl: url, maxConnections: 5, logger: pino({ level: 'silent' }), ...options })
      opened.push(database)
      return database
    },
    drop: async () => {
      await Promise.all(opened.splice(0).map((database) => database.close()))
      await execute(adminUrl, [`drop database if exists ${name} with (force)`])
    },
  }
}

async function askForPostgres(socketPath: string): Promise<TestPostgres> {
  const socket = connect(socketPath)
  const answer = JSON.parse(await text(socket)) as TestPostgres | { error: string } // written by our own global setup
  if ('error' in answer) throw new Error(answer.error)
  return answer
}
