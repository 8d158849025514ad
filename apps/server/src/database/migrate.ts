import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, DatabaseError } from 'pg'
import type { Logger } from 'pino'
import { advisoryLockNumber } from './advisory-lock.ts'
import { connectionConfig } from './connection.ts'

/** This program's migrations, beside this module in the sources and in the build. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('./migrations/', import.meta.url))

/** The oldest major version of PostgreSQL that Berth runs on. */
export const MINIMUM_POSTGRES_MAJOR = 13

/** The database can't be migrated. The message says why and what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

/** A file such as `0042_workspace_autostart.sql`. */
interface Migration {
  readonly name: string
  readonly sql: string
  readonly sha256: string
}

interface AppliedMigration {
  readonly name: string
  readonly sha256: string
}

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/

/** The server that migrates holds this lock. */
const LOCK_NUMBER = advisoryLockNumber('berth migrations')

const LIST_APPLIED = 'select name, sha256 from schema_migrations order by name'
const CREATE_TABLE = `create table if not exists schema_migrations (
  name text primary key, sha256 text not null, applied_at timestamptz not null default now())`
const UNDEFINED_TABLE = '42P01'
/** Tables that Coder creates. Berth has some of the same names, but never with those below. */
const FIND_OWNER = `select
  to_regclass('schema_migrations') is not null as has_migrations,
  exists (select from pg_attribute where attrelid = to_regclass('schema_migrations') and attname = 'sha256') as is_ours,
  to_regclass('site_configs') is not null and to_regclass('gitsshkeys') is not null as is_reference`
const USE_ANOTHER = 'Set BERTH_PG_CONNECTION_URL to an empty database. Nothing in this one has been changed.'

/**
 * Brings a database to this program's version: applies the SQL files of `directory` that it lacks,
 * in order, each in its own transaction. When several servers start at once, one migrates and the
 * others wait.
 *
 * @returns the names of the migrations applied now.
 * @throws {@link MigrationError} when the server is older than {@link MINIMUM_POSTGRES_MAJOR}, the
 * database belongs to another program, an applied file has changed or is missing, the database is
 * newer than this program, or a migration fails.
 */
export async function migrate(options: { connectionUrl: string; logger: Logger; directory?: string }): Promise<string[]> {
  const { connectionUrl, logger } = options
  const migrations = await readMigrations(options.directory ?? MIGRATIONS_DIRECTORY)
  const client = new Client(connectionConfig(connectionUrl, { statementTimeoutMs: 0 }))
  client.on('error', (error) => logger.debug({ err: error }, 'lost the connection for migrations')) // the running statement fails with it
  await client.connect()
  try {
    await requireServerVersion(client)
    await requireOwnDatabase(client)
    if (findPending(migrations, await listApplied(client)).length === 0) return []
    await lock(client, logger)
    await client.query(CREATE_TABLE)
    const pending = findPending(migrations, await listApplied(client))
    for (const migration of pending) await apply(client, migration, logger)
    return pending.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/** Reads the files of a folder and checks that they are numbered from 0001 without gaps. */
async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  return await Promise.all(
    names.map(async (name, index) => {
      const number = FILE_NAME.exec(name)?.[1]
      if (number === undefined) throw new MigrationError(`Migration ${name} needs a name like 0042_workspace_autostart.sql.`)
      if (Number(number) !== index + 1) {
        throw new MigrationError(
          `Migration ${name} needs the number ${String(index + 1).padStart(4, '0')}: numbers have no gaps and no duplicates.`,
        )
      }
      const sql = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n') // a checkout on Windows is the same migration
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Returns the migrations left to apply, after checking that those applied are the first of ours.
 */
function findPending(migrations: readonly Migration[], applied: readonly AppliedMigration[]): readonly Migration[] {
  for (const [index, { name, sha256 }] of applied.entries()) {
    const migration = migrations[index]
    if (migration === undefined) {
      throw new MigrationError(
        `The database is newer than this program: migration ${name} has been applied to it. Start the version of Berth that last used it, or a newer one.`,
      )
    }
    if (migration.name !== name) {
      throw new MigrationError(
        `Migration ${name} has been applied to the database where this program has ${migration.name}. Start the version of Berth that created this database.`,
      )
    }
    if (migration.sha256 !== sha256) {
      throw new MigrationError(
        `Migration ${name} has changed since it was applied to the database. Restore the file and put the change into a new migration.`,
      )
    }
  }
  return migrations.slice(applied.length)
}

async function requireServerVersion(client: Client): Promise<void> {
  const { rows } = await client.query<{ number: number; text: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as text`,
  )
  const version = rows[0]
  if (version !== undefined && version.number >= MINIMUM_POSTGRES_MAJOR * 10_000) return
  throw new MigrationError(
    `Berth needs PostgreSQL ${MINIMUM_POSTGRES_MAJOR} or later. This server is ${version?.text ?? 'of an unknown version'}.`,
  )
}

/** Refuses a database that another program has set up. Only reads. */
async function requireOwnDatabase(client: Client): Promise<void> {
  const { rows } = await client.query<{ has_migrations: boolean; is_ours: boolean; is_reference: boolean }>(FIND_OWNER)
  const [found] = rows
  if (found === undefined || found.is_ours) return
  if (found.is_reference)
    throw new MigrationError(`This is a database of Coder, which Berth can't take over: it holds Coder's tables. ${USE_ANOTHER}`)
  if (found.has_migrations)
    throw new MigrationError(`This database belongs to another program: its table schema_migrations isn't Berth's. ${USE_ANOTHER}`)
}

async function listApplied(client: Client): Promise<AppliedMigration[]> {
  try {
    return (await client.query<AppliedMigration>(LIST_APPLIED)).rows
  } catch (error) {
    if (error instanceof DatabaseError && error.code === UNDEFINED_TABLE) return []
    throw error
  }
}

/** Takes the lock, which ends with the connection. */
async function lock(client: Client, logger: Logger): Promise<void> {
  const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [LOCK_NUMBER])
  if (rows[0]?.held === true) return
  logger.info('waiting for another server to migrate the database')
  await client.query('select pg_advisory_lock($1)', [LOCK_NUMBER])
}

async function apply(client: Client, migration: Migration, logger: Logger): Promise<void> {
  const startedAt = performance.now()
  try {
    await client.query('begin')
    await client.query(migration.sql)
    if (client.getTransactionStatus() !== 'T') throw new Error('it must not end its transaction, or it could be applied by half')
    await client.query('insert into schema_migrations (name, sha256) values ($1, $2)', [migration.name, migration.sha256])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {}) // report the first error, not this one
    throw new MigrationError(`Migration ${migration.name} failed${describeFailure(error, migration.sql)}`, { cause: error })
  }
  logger.info({ migration: migration.name, durationMs: Math.round(performance.now() - startedAt) }, 'migrated the database')
}

function describeFailure(error: unknown, sql: string): string {
  if (!(error instanceof DatabaseError)) return `: ${error instanceof Error ? error.message : String(error)}`
  const position = Number(error.position)
  const line = position > 0 ? ` at line ${sql.slice(0, position).split('\n').length}` : ''
  return `${line}: ${error.message}${error.detail === undefined ? '' : ` (${error.detail})`}`
}
