import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import { Client } from 'pg'
import { pino } from 'pino'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { createTestDatabase } from '../../test/database/create-test-database.ts'
import { execute } from '../../test/database/test-postgres.ts'
import { connectionConfig } from './connection.ts'
import { migrate, MigrationError } from './migrate.ts'

const logger = pino({ level: 'silent' })
const FIRST = ['0001_first.sql', 'create table first (id int);'] as const
const SECOND = ['0002_second.sql', 'create table second (id int);\ninsert into second values (1), (2);'] as const

let url: string

beforeEach(async () => {
  const database = await createTestDatabase()
  url = database.url
  await execute(url, ['drop schema public cascade', 'create schema public'])
  return async () => await database.drop()
})

async function folder(...files: (readonly [name: string, sql: string])[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-migrations-'))
  onTestFinished(async () => await rm(directory, { recursive: true }))
  for (const [name, sql] of files) await writeFile(join(directory, name), sql)
  return directory
}

async function migrateWith(...files: (readonly [name: string, sql: string])[]): Promise<string[]> {
  return await migrate({ connectionUrl: url, logger, directory: await folder(...files) })
}

async function read(query: string): Promise<unknown[]> {
  const client = new Client(connectionConfig(url, { statementTimeoutMs: 0 }))
  await client.connect()
  const { rows } = await client.query<Record<string, unknown>>(query)
  await client.end()
  return rows.map((row) => Object.values(row)[0])
}

test('files are applied once, in order, and recorded', async () => {
  expect(await migrateWith(FIRST)).toEqual(['0001_first.sql'])
  expect(await migrateWith(FIRST, SECOND)).toEqual(['0002_second.sql'])
  expect(await migrateWith(FIRST, SECOND)).toEqual([])
  expect(await read('select name from schema_migrations order by name')).toEqual(['0001_first.sql', '0002_second.sql'])
  expect(await read('select id from second order by id')).toEqual([1, 2])
})

test('a failed migration changes nothing, keeps those before it, and names file, line and reason', async () => {
  const broken = ['0002_broken.sql', 'create table second (id int);\n\ninsert into nowhere values (1);'] as const
  await expect(migrateWith(FIRST, broken)).rejects.toThrow('Migration 0002_broken.sql failed at line 3: relation "nowhere" does not exist')
  expect(await read('select name from schema_migrations')).toEqual(['0001_first.sql'])
  expect(await read(`select to_regclass('second')::text`)).toEqual([null])
  expect(await migrateWith(FIRST, SECOND)).toEqual(['0002_second.sql'])
})

test('a migration that commits by itself is refused', async () => {
  await expect(migrateWith(['0001_commits.sql', 'create table first (id int); commit;'])).rejects.toThrow('it must not end its transaction')
})

test('a file that has changed since it was applied is refused by name', async () => {
  await migrateWith(FIRST)
  await expect(migrateWith(['0001_first.sql', 'create table first (id int8);'])).rejects.toThrow('Migration 0001_first.sql has changed')
})

test('other line endings are not a change', async () => {
  await migrateWith(['0001_lines.sql', 'create table first (\n  id int\n);\n'])
  expect(await migrateWith(['0001_lines.sql', 'create table first (\r\n  id int\r\n);\r\n'])).toEqual([])
})

test('a database that is newer than the program is refused and left alone', async () => {
  await migrateWith(FIRST, SECOND)
  await expect(migrateWith(FIRST)).rejects.toThrow(
    'The database is newer than this program: migration 0002_second.sql has been applied to it.',
  )
})

test('a database with another history is refused', async () => {
  await migrateWith(FIRST, SECOND)
  await expect(migrateWith(FIRST, ['0002_other.sql', 'select 1'])).rejects.toThrow(
    'Migration 0002_second.sql has been applied to the database where this program has 0002_other.sql.',
  )
})

const GOLANG_MIGRATE = [
  'create table schema_migrations (version bigint not null primary key, dirty boolean not null)',
  'insert into schema_migrations values (83, false)',
]
const CODER = [
  'create table site_configs (key varchar(256) primary key, value varchar(8192) not null)',
  'create table gitsshkeys (user_id uuid primary key, private_key text not null, public_key text not null)',
  'create table users (id uuid primary key, email text not null)',
]

test.each([
  ['Coder', [...GOLANG_MIGRATE, ...CODER], "This is a database of Coder, which Berth can't take over"],
  ['Coder, without its list of migrations', CODER, 'This is a database of Coder'],
  ['another program that counts its migrations', GOLANG_MIGRATE, "its table schema_migrations isn't Berth's"],
  [
    'another program that names its migrations',
    ['create table schema_migrations (version varchar primary key)'],
    "its table schema_migrations isn't Berth's",
  ],
])('a database of %s is refused in a sentence, and left alone', async (_whose, statements, message) => {
  verifies('berth:database:foreign')
  await execute(url, statements)
  const schema = 'select table_name || column_name from information_schema.columns where table_schema = current_schema() order by 1'
  const before = await read(schema)
  const refusal = await migrateWith(FIRST).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(MigrationError)
  expect((refusal as Error).message).toContain(message)
  expect((refusal as Error).message).toContain('BERTH_PG_CONNECTION_URL')
  expect(await read(schema)).toEqual(before)
})

test("a database with other programs' tables beside Berth's own is Berth's", async () => {
  verifies('berth:database:foreign')
  await migrateWith(FIRST)
  await execute(url, ['create table site_configs (key text)', 'create table gitsshkeys (user_id uuid)'])
  expect(await migrateWith(FIRST, SECOND)).toEqual(['0002_second.sql'])
})

test.each([
  ['a gap', [FIRST, ['0003_third.sql', 'select 1']], '0003_third.sql needs the number 0002'],
  ['a duplicate', [FIRST, ['0001_again.sql', 'select 1']], '0001_first.sql needs the number 0002'],
  ['another name', [['first.sql', 'select 1']], 'Migration first.sql needs a name like'],
] as const)('%s in the numbers is refused', async (_title, files, message) => {
  await expect(migrateWith(...files)).rejects.toThrow(message)
  await expect(migrateWith(...files)).rejects.toThrow(MigrationError)
})

test('when several processes start at once, one applies each migration and all find the database ready', async () => {
  verifies('berth:database:migrations-locked')
  const directory = await folder(FIRST, [
    '0002_slow.sql',
    'create table second (id int); select pg_sleep(0.3); insert into second values (1);',
  ])
  const script = fileURLToPath(new URL('../../test/database/run-migrate.ts', import.meta.url))
  const migrateElsewhere = async () => {
    const args = ['--conditions=@berth/source', '--import', import.meta.resolve('tsx'), script, url, directory]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    const [code] = (await once(child, 'close')) as [number | null] // what close passes
    expect(code).toBe(0)
    return JSON.parse(output) as string[]
  }
  const applied = await Promise.all([migrateElsewhere(), migrateElsewhere(), migrateElsewhere()])
  expect(applied.flat().sort()).toEqual(['0001_first.sql', '0002_slow.sql'])
  expect(await read('select id from second')).toEqual([1])
})
