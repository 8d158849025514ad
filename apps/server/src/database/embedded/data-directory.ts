import { chmod, chown, lstat, mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import type { PostgresBinaries } from './binaries.ts'
import { openDirectory } from '../../open-directory.ts'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'
import { runProgram } from './run-program.ts'
import type { SystemUser } from './system-user.ts'

/** The role and the database of the embedded server. */
export const EMBEDDED_NAME = 'berth'

/** sockaddr_un holds 108 bytes on Linux and 104 on macOS, with the closing zero. */
const MAX_SOCKET_PATH_BYTES = 103

/**
 * Returns the path of a server's cluster. It names the major version, because no other version can
 * open the data.
 */
export function clusterPath(dataDirectory: string, major: number): string {
  return join(dataDirectory, `postgres-${major}`)
}

/**
 * Creates the data directory if needed and returns its real path, so that two spellings of it are
 * one directory.
 */
export async function openDataDirectory(path: string): Promise<string> {
  try {
    return await openDirectory({ path, name: 'data directory', setting: 'BERTH_DATA_DIR' })
  } catch (error) {
    throw new EmbeddedPostgresError(messageOf(error))
  }
}

/**
 * Returns the uid that owns existing data. PostgreSQL opens only data that belongs to its own user.
 */
export async function findDataOwner(dataDirectory: string): Promise<number | undefined> {
  const names = (await readdir(dataDirectory)).filter((name) => /^postgres-\d+$/.test(name))
  return names[0] === undefined ? undefined : (await stat(join(dataDirectory, names[0]))).uid
}

/**
 * Makes sure that `user` can traverse the data directory and everything above it. Opens the data
 * directory itself for traversal, not for listing. The directories above it aren't Berth's to
 * change.
 *
 * @throws {@link EmbeddedPostgresError} that names the closed directory.
 */
export async function makeReachable(dataDirectory: string, user: SystemUser, logger: Logger): Promise<void> {
  if (!(await canPass(dataDirectory, user))) {
    logger.info({ dataDirectory, user: user.name }, "letting PostgreSQL's user traverse the data directory")
    await chmod(dataDirectory, ((await stat(dataDirectory)).mode & 0o7777) | 0o011)
  }
  for (let path = dirname(dataDirectory); path !== dirname(path); path = dirname(path)) {
    if (await canPass(path, user)) continue
    throw new EmbeddedPostgresError(
      `PostgreSQL doesn't run as root, so it runs as user ${user.name}, who can't reach ${dataDirectory} ` +
        `because ${path} is closed to others. Choose another data directory with BERTH_DATA_DIR, for example /var/lib/berth.`,
    )
  }
}

async function canPass(path: string, user: SystemUser): Promise<boolean> {
  const { mode, uid, gid } = await stat(path)
  if (uid === user.uid) return (mode & 0o100) !== 0
  return (mode & (gid === user.gid ? 0o010 : 0o001)) !== 0
}

/**
 * Creates the cluster on the first start, in a folder of another name that is renamed when
 * complete. An interrupted start therefore leaves nothing that looks like a database.
 *
 * @throws {@link EmbeddedPostgresError} when data of another major version exists or initdb fails.
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
      `${join(dataDirectory, other)} was created by another version of PostgreSQL than this program's (${binaries.major}). ` +
        `Start the version of Berth that created it, dump the database there and load it here; or move ${other} away to start empty.`,
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
    throw new EmbeddedPostgresError(`PostgreSQL couldn't create its first database in ${directory}: ${explain(created.errorOutput)}`)
  }
}

function explain(errorOutput: string): string {
  if (errorOutput.includes('could not look up effective user ID')) {
    return `PostgreSQL needs an entry in /etc/passwd for the user Berth runs as. Add one, or set BERTH_PG_CONNECTION_URL instead.`
  }
  return errorOutput.trim().split('\n').slice(-3).join(' ') || 'it gave no reason.'
}

/** Removes what interrupted first starts left, except that of a process still at it. */
async function removeUnfinished(dataDirectory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const pid = /^postgres-.+\.unfinished-(\d+)$/.exec(name)?.[1]
    if (pid === undefined || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue
    // An initdb may outlive its parent for a moment and still write.
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
 * Prepares the socket's folder, closed to everybody but PostgreSQL's own user (and root). When the
 * data directory's path is too long for a socket, uses a folder below the temporary directory.
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
      `The paths ${dataDirectory} and ${temporaryDirectory} are both too long for a socket, which takes ${MAX_SOCKET_PATH_BYTES} bytes with its name. Choose a shorter BERTH_DATA_DIR.`,
    )
  }
  logger.info({ dataDirectory, socketDirectory: temporary }, "the data directory's path is too long for a socket; using a temporary folder")
  await makeOwnDirectory(temporary, user)
  return { path: temporary, isTemporary: true }
}

function isShortEnough(socketDirectory: string): boolean {
  return Buffer.byteLength(join(socketDirectory, '.s.PGSQL.5432.lock')) <= MAX_SOCKET_PATH_BYTES
}

async function makeOwnDirectory(path: string, user: SystemUser | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (!(await lstat(path)).isDirectory())
    throw new EmbeddedPostgresError(`${path} isn't a directory, and Berth needs one there. Move it away.`)
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
