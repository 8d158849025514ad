import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { verifies } from '@berth/requirements'
import { sql } from 'kysely'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/database/database.ts'
import { findPostgresPackage } from '../../src/database/embedded/binaries.ts'
import { makeReachable } from '../../src/database/embedded/data-directory.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded/start-embedded-postgres.ts'
import {
  copyPackage,
  evaluate,
  isAlive,
  isRoot,
  kill,
  silent,
  spawnElsewhere,
  start,
  startElsewhere,
  temporaryDirectory,
  until,
} from './embedded-fixture.ts'

const NOBODY = 65534

test('the database is there after the first start and keeps its data over a second', async () => {
  const data = join(await temporaryDirectory(), 'new/data')
  const first = await startEmbeddedPostgres({ dataDirectory: data, logger: silent })
  expect(await evaluate(first.url, 'current_database()')).toBe('berth')
  expect(await evaluate(first.url, `(select setting from pg_settings where name = 'fsync')`)).toBe('on')
  await evaluate(first.url, `lo_from_bytea(4711, 'kept')`)
  await first.stop()
  const second = await start(data)
  expect(await evaluate(second.url, `convert_from(lo_get(4711), 'UTF8')`)).toBe('kept')
})

test('text is UTF-8, sorted by code point, with letters of all alphabets in upper and lower case', async () => {
  const { url } = await start(await temporaryDirectory())
  expect(await evaluate(url, `lower('ÄÖ') || current_setting('server_encoding') || ('Z' < 'a')`)).toBe('äöUTF8true')
})

test('root’s server runs under another user and in none of root’s groups; anybody else’s runs under their own', async () => {
  verifies('berth:database:own-postgres')
  const data = await temporaryDirectory()
  const { pid } = await start(data)
  const { uid } = await stat(join(data, 'postgres-18/postmaster.pid'))
  if (!isRoot) return expect(uid).toBe(process.getuid?.())
  expect(uid).not.toBe(0)
  if (process.platform === 'linux') expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Groups:\s*$/m)
})

test('a server that stops right after its clients have closed has nothing to warn of', async () => {
  verifies('berth:server:quiet-stop')
  const data = await temporaryDirectory()
  const lines: string[] = []
  const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
  for (let round = 0; round < 3; round += 1) {
    const postgres = await startEmbeddedPostgres({ dataDirectory: data, logger, isDurable: false })
    const database = await openDatabase({ connectionUrl: postgres.url, logger })
    await Promise.all(Array.from({ length: 20 }, async () => await sql`select pg_sleep(0.1)`.execute(database.kysely)))
    await database.close()
    await postgres.stop()
  }
  expect(lines).toEqual([])
})

test('it listens on a socket in a closed folder and on no port', async () => {
  const { url } = await start(await temporaryDirectory())
  expect(await evaluate(url, `current_setting('listen_addresses')`)).toBe('')
  const folder = new URL(url).searchParams.get('host') ?? ''
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  expect((await stat(join(folder, '.s.PGSQL.5432'))).mode & 0o777).toBe(0o700)
})

test('it runs for a user that is not root, in a folder of theirs', async () => {
  const directory = await temporaryDirectory()
  const data = join(directory, 'data')
  await mkdir(data)
  const packageDirectory = join(directory, 'package')
  await copyPackage(packageDirectory)
  if (isRoot) await chown(data, NOBODY, NOBODY)
  const { postgres } = await startElsewhere(data, { packageDirectory, ...(isRoot ? { uid: NOBODY } : {}) })
  expect(await evaluate(postgres.url, '1 + 1')).toBe(2)
})

test('programs that the server’s user can’t use where they are get copied, once', async () => {
  const directory = await temporaryDirectory()
  const closed = join(directory, 'closed')
  const postgresPackage = await copyPackage(join(closed, 'package'))
  // Root can write anywhere, but its server can't read here. Other users can't make the links here.
  await chmod(isRoot ? closed : join(closed, 'package/native/lib'), isRoot ? 0o700 : 0o555)
  onTestFinished(async () => await chmod(join(closed, 'package/native/lib'), 0o755))
  const data = join(directory, 'data')
  await mkdir(join(data, 'postgres-binaries-1.2.3'), { recursive: true })
  const postgres = await start(data, { package: postgresPackage })
  expect(await evaluate(postgres.url, '1 + 1')).toBe(2)
  const copies = (await readdir(data)).filter((name) => name.startsWith('postgres-binaries'))
  expect(copies).toEqual([`postgres-binaries-${postgresPackage.version}`])
})

test('library links that are missing are made in place', async () => {
  const directory = await temporaryDirectory()
  const postgresPackage = await copyPackage(join(directory, 'package'))
  await start(join(directory, 'data'), { package: postgresPackage })
  expect((await readdir(join(directory, 'data'))).some((name) => name.startsWith('postgres-binaries'))).toBe(false)
})

test('a data directory with a path too long for a socket gets its socket in a temporary folder, removed at the end', async () => {
  const directory = await temporaryDirectory()
  const data = join(directory, 'd'.repeat(100))
  const first = await startEmbeddedPostgres({ dataDirectory: data, logger: silent, isDurable: false })
  const folder = new URL(first.url).searchParams.get('host') ?? ''
  expect(folder.startsWith(data)).toBe(false)
  expect(await evaluate(first.url, '1 + 1')).toBe(2)
  await first.stop()
  await expect(stat(folder)).rejects.toThrow('ENOENT')
})

test('a data directory may have spaces, commas and quotes in its name', async () => {
  const { url } = await start(join(await temporaryDirectory(), `a "b", 'c' %20+é`))
  expect(await evaluate(url, '1 + 1')).toBe(2)
})

test('an interrupted first start leaves nothing the next one takes for a database', async () => {
  const data = join(await temporaryDirectory(), 'data')
  const child = spawnElsewhere(data)
  const unfinished = async () => (await readdir(data).catch(() => [])).filter((name) => name.includes('.unfinished-'))
  await until(async () => {
    const [name] = await unfinished()
    return name !== undefined && (await stat(join(data, name, 'base')).catch(() => undefined)) !== undefined
  }, 'initdb has begun')
  await kill(child)
  expect(await readdir(data)).not.toContain('postgres-18')
  // initdb itself outlives its parent for a moment, in a folder that is no longer anybody's.
  const { url } = await start(data)
  expect(await evaluate(url, '1 + 1')).toBe(2)
  await until(async () => (await unfinished()).length === 0, 'the unfinished folder is gone')
})

test('two first starts at once make one database; one of them gets it and the other is refused', async () => {
  const data = await temporaryDirectory()
  const results = await Promise.allSettled([startElsewhere(data), startElsewhere(data)])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const refused = results.find((result) => result.status === 'rejected')
  expect(String(refused?.reason)).toContain('is in use by another Berth server')
})

test('a second server on the same data is refused with a sentence that names the first', async () => {
  verifies('berth:database:one-server')
  const data = await temporaryDirectory()
  const other = await startElsewhere(data)
  await expect(startEmbeddedPostgres({ dataDirectory: data, logger: silent })).rejects.toThrow(
    `The database in ${data}/postgres-18 is in use by another Berth server: process ${other.pid}. Stop that server, or set BERTH_DATA_DIR to another directory for this one.`,
  )
  expect(isAlive(other.postgres.pid)).toBe(true)
  expect(await evaluate(other.postgres.url, '1 + 1')).toBe(2)
})

test('a database that answers but whose process can’t be seen is in use too', async () => {
  const data = await temporaryDirectory()
  await (await startEmbeddedPostgres({ dataDirectory: data, logger: silent, isDurable: false })).stop()
  const socket = join(data, 'postgres-socket/.s.PGSQL.5432')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  onTestFinished(() => void server.close())
  const nobodysPid = 2 ** 22 + 1 // beyond the largest pid of Linux
  await writeFile(join(data, 'postgres-18/postmaster.pid'), `${nobodysPid}\n${data}/postgres-18\n1\n5432\n${dirname(socket)}\n`)
  await expect(startEmbeddedPostgres({ dataDirectory: data, logger: silent })).rejects.toThrow("a process that isn't visible from here")
})

test('a pid in the lock file that has gone to another program does not keep the database closed', async () => {
  const data = await temporaryDirectory()
  const first = await startEmbeddedPostgres({ dataDirectory: data, logger: silent, isDurable: false })
  const file = join(data, 'postgres-18/postmaster.pid')
  const text = await readFile(file, 'utf8')
  await first.stop()
  await writeFile(file, text.replace(/^\d+/, String(process.pid)), { mode: 0o600 })
  if (isRoot) await chownLike(file, join(data, 'postgres-18'))
  const { url } = await start(data)
  expect(await evaluate(url, '1 + 1')).toBe(2)
})

test('data of another major version is refused and left alone', async () => {
  const data = await temporaryDirectory()
  await mkdir(join(data, 'postgres-17'))
  await expect(startEmbeddedPostgres({ dataDirectory: data, logger: silent })).rejects.toThrow(
    /postgres-17 was created by another version of PostgreSQL than this program's \(18\)/,
  )
  expect(await readdir(data)).toEqual(['postgres-17'])
})

test('a data directory that the server’s user can’t reach is refused with the folder that is closed', async () => {
  const closed = join(await temporaryDirectory(), 'closed')
  const data = join(closed, 'data')
  await mkdir(data, { recursive: true })
  await chmod(closed, 0o700)
  await expect(makeReachable(data, { name: 'stranger', uid: 54_321, gid: 54_321 }, silent)).rejects.toThrow(
    `because ${closed} is closed to others. Choose another data directory with BERTH_DATA_DIR`,
  )
})

test('the data directory itself is opened for passing through, not for reading', async () => {
  const data = join(await temporaryDirectory(), 'data')
  await mkdir(data, { mode: 0o700 })
  await makeReachable(data, { name: 'stranger', uid: 54_321, gid: 54_321 }, silent)
  expect((await stat(data)).mode & 0o777).toBe(0o711)
})

test.each([
  ['linux', 's390x'],
  ['freebsd', 'x64'],
  ['win32', 'x64'],
])('%s on %s has no embedded database, and the error says what to do', async (platform, architecture) => {
  await expect(findPostgresPackage(platform, architecture)).rejects.toThrow(
    'Set BERTH_PG_CONNECTION_URL to a PostgreSQL server (13 or later) instead.',
  )
})

test('programs that don’t run on this system are an error that says what to do', async () => {
  const directory = await temporaryDirectory()
  const postgresPackage = await copyPackage(join(directory, 'package'))
  await writeFile(join(directory, 'package/native/bin/postgres'), '#!/nonexistent/ld-musl\n', { mode: 0o755 })
  await expect(startEmbeddedPostgres({ dataDirectory: join(directory, 'data'), logger: silent, package: postgresPackage })).rejects.toThrow(
    /doesn't run on this system.*Set BERTH_PG_CONNECTION_URL/,
  )
})

async function chownLike(path: string, model: string): Promise<void> {
  const { uid, gid } = await stat(model)
  await chown(path, uid, gid)
}
