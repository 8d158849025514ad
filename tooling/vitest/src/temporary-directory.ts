import { accessSync, constants, statfsSync } from 'node:fs'

const MEMORY_DIRECTORY = '/dev/shm'

/** Enough for the databases, homes and installed packages of a whole run. */
const NEEDED_BYTES = 4 * 1024 ** 3

/**
 * Returns a folder in memory for temporary files, or undefined if there is none that is large
 * enough. Tests create and delete hundreds of thousands of files, which is much slower on a disk.
 */
export function fastTemporaryDirectory(): string | undefined {
  try {
    accessSync(MEMORY_DIRECTORY, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(MEMORY_DIRECTORY)
    return bavail * bsize >= NEEDED_BYTES ? MEMORY_DIRECTORY : undefined
  } catch {
    return undefined
  }
}
