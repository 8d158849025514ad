import { randomBytes } from 'node:crypto'
import { chmod, chown, lstat, mkdir, open, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isErrorWithCode } from '../config.ts'
import { CommandError, messageOf } from '../failures.ts'

/** An SSH configuration file as it was when it was read. */
export interface ConfigurationFile {
  readonly path: string
  /** One character for each byte. Empty if the file doesn't exist. */
  readonly text: string
}

const newFileMode = 0o600
const newFolderMode = 0o700
const permissionBits = 0o7777

/** Reads a configuration file. It doesn't have to exist. */
export async function readConfiguration(path: string): Promise<ConfigurationFile> {
  try {
    return { path, text: await readFile(path, 'latin1') }
  } catch (error) {
    if (isErrorWithCode(error, 'ENOENT')) return { path, text: '' }
    throw new CommandError(`Can't read ${path}: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Replaces a configuration file atomically, and keeps its mode and owner. A symbolic link stays
 * one: the file that it points to is replaced.
 *
 * @throws CommandError if the file has changed since it was read.
 */
export async function writeConfiguration({ path, text: before }: ConfigurationFile, text: string): Promise<void> {
  if ((await readConfiguration(path)).text !== before) {
    throw new CommandError(`${path} has changed meanwhile, so nothing was written.`, { help: 'Try again.' })
  }
  try {
    await replace(await targetOf(path), text)
  } catch (error) {
    throw new CommandError(`Can't write ${path}: ${messageOf(error)}`, { cause: error })
  }
}

async function replace(target: string, text: string): Promise<void> {
  const folder = dirname(target)
  await mkdir(folder, { recursive: true, mode: newFolderMode })
  const existing = await ifExists(stat(target))
  const temporary = join(folder, `.berth-${randomBytes(8).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', newFileMode)
    try {
      await file.writeFile(text, 'latin1')
      await file.sync()
    } finally {
      await file.close()
    }
    if (existing !== undefined) {
      // Only root can and needs to give a file to its owner.
      await chown(temporary, existing.uid, existing.gid).catch(() => undefined)
      await chmod(temporary, existing.mode & permissionBits)
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Returns the file that a path means. A symbolic link may point to one that doesn't exist yet. */
async function targetOf(path: string): Promise<string> {
  const found = await ifExists(realpath(path))
  if (found !== undefined) return found
  const link = await ifExists(lstat(path))
  return link?.isSymbolicLink() === true ? resolve(dirname(path), await readlink(path)) : path
}

async function ifExists<Value>(found: Promise<Value>): Promise<Value | undefined> {
  try {
    return await found
  } catch (error) {
    if (isErrorWithCode(error, 'ENOENT')) return undefined
    throw error
  }
}
