import { constants } from 'node:fs'
import { access, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** A directory that a setting names. */
export interface SettingDirectory {
  readonly path: string
  /** What the server keeps there, for example `data directory`. */
  readonly name: string
  /** The setting that names another, for example `BERTH_DATA_DIR`. */
  readonly setting: string
}

/**
 * Creates a directory and those above it if they don't exist. Returns the real path, so that two
 * spellings of a directory are one. Only the owner may enter the directory itself.
 *
 * @throws Error with one line that names the setting.
 */
export async function openDirectory({ path, name, setting }: SettingDirectory): Promise<string> {
  try {
    await createDirectory(resolve(path), 0o700)
    await access(path, constants.W_OK | constants.X_OK)
    return await realpath(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Can't use the ${name} ${path} (${reason}). Choose another with ${setting}.`, { cause: error })
  }
}

/**
 * Creates a directory from the top down. Node's own recursive mkdir never ends where a file system
 * answers ENOENT below a directory that exists, as /proc does.
 */
async function createDirectory(path: string, mode?: number): Promise<void> {
  const existing = await stat(path).catch(ifThere)
  if (existing?.isDirectory()) return
  if (existing !== undefined) throw new Error(`${path} is not a directory`)
  if (path !== dirname(path)) await createDirectory(dirname(path))
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // of the file system
    if (code !== 'EEXIST') throw error // otherwise another process was faster
  }
}

function ifThere(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException // of the file system
  if (code !== 'ENOENT') throw error
}
