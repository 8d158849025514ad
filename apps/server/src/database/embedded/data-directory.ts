import { chmod, chown, lstat, mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import type { PostgresBinaries } from './binaries.ts'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'
import { runProgram } from './run-program.ts'
import type { SystemUser } from './system-user.ts'

/** Role and database of the embedded server. */
export const EMBEDDED_NAME = 'berth'

/** sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const MAX_SOCKET_PATH_BYTES = 103

/** Where one server's cluster is: its path names the major version, because no other version can open it. */
export function clusterPath(dataDirectory: string, major: number): string {
  return join(dataDirectory, `postgres-${major}`)
}

/** Creates the data directory if needed and returns its one true path, so that two ways of spelling it are one directory. */
export async function openDataDirectory(path: string): Promise<string> {
  try {
    await mkdir(dirname(resolve(path)), { recursive: true })
    await mkdir(path, { recursive: true, mode: 0o700 })
    return await realpath(path)
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The data directory ${path} can't be created (${messageOf(error)}). Choose another with BERTH_DATA_DIR.`,
    )
  }
}

/** Uid of whoever owns the data that is already there: PostgreSQL opens only what belongs to its own user. */
export async function findDataOwner(dataDirectory: string): Promise<number | undefined> {
  const names = (await readdir(dataDirectory)).filter((name) => /^postgres-\d+$/.test(name))
  return names[0] === undefined ? undefined : (await stat(join(dataDirectory, names[0]))).uid
}

/**
 * Makes sure `user` can pass through the data directory and all above it. The data directory itself is opened for passing (not for listing)
 * where it is not; what lies above it is not Berth's to change.
 *
 * @throws {@link EmbeddedPostgresError} naming the directory that is closed.
 */
export async function makeReachable(dataDirectory: string, user: SystemUser, logger: Logger): Promise<void> {
  if (!(await canPass(dataDirectory, user))) {
    logger.info({ dataDirectory, user: user.name }, 'letting the user PostgreSQL runs under pass through the data directory')
    await chmod(dataDirectory, ((await stat(dataDirectory)).mode & 0o7777) | 0o011)
  }
  for (let path = dirname(dataDirectory); path !== dirname(path); path = dirname(path)) {
    if (await canPass(path, user)) continue
    throw new EmbeddedPostgresError(
      `PostgreSQL does not run as root, and user ${user.name}, under which it runs instead, can't reach ${dataDirectory} ` +
        `because ${path} is closed to it. Choose another data directory with BERTH_DATA_DIR, for example /var/lib/berth.`,
    )
  }
}

async function canPass(path: string, user: SystemUser): Promise<boolean> {
  const { mode, uid, gid } = await stat(path)
  if (uid === user.uid) return (mode & 0o100) !== 0
  return (mode & (gid === user.gid ? 0o010 : 0o001)) !== 0
}

/**
 * Creates the cluster on the first start. All of it is made in a folder of another name and renamed when complete, so that an
 * interrupted start leaves nothing a later one could take for a database.
 *
 * @throws {@link EmbeddedPostgresError} where data of another major version is there, or initdb fails.
 */
export async function prepareCluster(options: {
  dataDirectory: string
  binaries: PostgresBinaries
  user: SystemUser | undefined
  isDurable: boolean
  logger: Logger
}): Promise<string> {
  const { dataDirectory, binaries, user, isDurable, logger } = options
  const cluster = clusterPath(dataDirectory, binaries.major)
  const names = await readdir(dataDirectory)
  if (names.includes(`postgres-${binaries.major}`)) return cluster
  const other = names.find((name) => /^postgres-\d+$/.test(name))
  if (other !== undefined) {
    throw new EmbeddedPostgresError(
      `${join(dataDirectory, other)} was made by another version of PostgreSQL than this program's (${binaries.major}). ` +
        `Start the version of Berth that made it, dump the database there and load it here; or move ${other} away to begin anew.`,
    )
  }
  await removeUnfinished(dataDirectory, names)
  logger.info({ cluster }, 'creating the embedded database')
  const unfinished = join(dataDirectory, `postgres-${binaries.major}.unfinished-${process.pid}`)
  await makeOwnDirectory(unfinished, user)
  try {
    await initialise(unfinished, { binaries, user, isDurable })
    await rename(unfinished, cluster)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!isDirectoryNotEmpty(error)) throw error // otherwise another start was faster, and its cluster is as good
  }
  return cluster
}

async function initialise(
  directory: string,
  options: { binaries: PostgresBinaries; user: SystemUser | undefined; isDurable: boolean },
): Promise<void> {
  const { binaries, user, isDurable } = options
  const flags = [
    '--username',
    EMBEDDED_NAME,
    '--encoding=UTF8',
    '--locale=C',
    '--auth-local=trust',
    '--auth-host=reject',
    '--no-instructions',
  ]
  if (binaries.major >= 17) flags.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  if (!isDurable) flags.push('--no-sync')
  const made = await runProgram(binaries.initdb, ['--pgdata', directory, ...flags], { user })
  if (made.code !== 0) throw new EmbeddedPostgresError(`PostgreSQL's initdb failed in ${directory}: ${explain(made.errorOutput)}`)
  const single = ['--single', '-D', directory, '-c', `fsync=${isDurable ? 'on' : 'off'}`, '-c', 'log_checkpoints=off', 'template1']
  const created = await runProgram(binaries.postgres, single, { user, input: `create database ${EMBEDDED_NAME}\n` })
  if (created.code !== 0 || created.errorOutput.includes('ERROR:')) {
    throw new EmbeddedPostgresError(`PostgreSQL could not create its first database in ${directory}: ${explain(created.errorOutput)}`)
  }
}

function explain(errorOutput: string): string {
  if (errorOutput.includes('could not look up effective user ID')) {
    return `the user Berth runs as has no entry in /etc/passwd, which PostgreSQL needs. Add one, or set BERTH_PG_CONNECTION_URL instead.`
  }
  return errorOutput.trim().split('\n').slice(-3).join(' ') || 'it gave no reason.'
}

/** Removes what interrupted first starts left, except of a process that is still at it. */
async function removeUnfinished(dataDirectory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const pid = /^postgres-.+\.unfinished-(\d+)$/.exec(name)?.[1]
    if (pid === undefined || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue
    // An initdb that outlives its parent for a moment may still write.
    await rm(join(dataDirectory, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // process.kill throws system errors only
  }
}

/**
 * Prepares the folder of the socket, closed to everybody but PostgreSQL's own user (and root). Where the data directory's path is too long for
 * a socket, a folder of its own below the temporary directory takes its place.
 */
export async function prepareSocketDirectory(options: {
  dataDirectory: string
  temporaryDirectory: string
  user: SystemUser | undefined
  logger: Logger
}): Promise<{ path: string; isTemporary: boolean }> {
  const { dataDirectory, temporaryDirectory, user, logger } = options
  const path = join(dataDirectory, 'postgres-socket')
  if (isShortEnough(path)) {
    await makeOwnDirectory(path, user)
    return { path, isTemporary: false }
  }
  const temporary = await mkdtemp(join(await realpath(temporaryDirectory), 'berth-postgres-'))
  if (!isShortEnough(temporary)) {
    await rm(temporary, { recursive: true })
    throw new EmbeddedPostgresError(
      `Both ${dataDirectory} and ${temporaryDirectory} are too long for the path of a socket (${MAX_SOCKET_PATH_BYTES} bytes with its name). Choose a shorter BERTH_DATA_DIR.`,
    )
  }
  logger.info(
    { dataDirectory, socketDirectory: temporary },
    'the path of the data directory is too long for a socket; it is in a temporary folder',
  )
  await makeOwnDirectory(temporary, user)
  return { path: temporary, isTemporary: true }
}

function isShortEnough(socketDirectory: string): boolean {
  return Buffer.byteLength(join(socketDirectory, '.s.PGSQL.5432.lock')) <= MAX_SOCKET_PATH_BYTES
}

async function makeOwnDirectory(path: string, user: SystemUser | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (!(await lstat(path)).isDirectory()) throw new EmbeddedPostgresError(`${path} is in the way: it is not a directory. Move it away.`)
  await chmod(path, 0o700)
  if (user !== undefined) await chown(path, user.uid, user.gid)
}

function isDirectoryNotEmpty(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException // rename throws system errors only; other errors have no such code
  return code === 'ENOTEMPTY' || code === 'EEXIST'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
