import { accessSync, constants, statfsSync } from 'node:fs'

const MEMORY_DIRECTORY = '/dev/shm'

/** Enough for the databases, homes and installed packages of a whole run. */
const NEEDED_BYTES = 4 * 1024 ** 3

/**
 * Returns the folder for the temporary files of a test run: one in memory where the system has it and it is large enough, otherwise undefined for the
 * system's own. Tests create and delete hundreds of thousands of files, which takes a disk several times as long.
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
