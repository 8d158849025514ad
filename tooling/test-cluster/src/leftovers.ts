import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { removePodNetwork } from './pod-network.ts'
import { runProgram } from './run-program.ts'
import { waitUntil } from './wait-until.ts'

/** Not `os.tmpdir()`: sockets below it must have short paths. */
const PARENT = '/tmp'
const CONTROL_GROUPS = '/sys/fs/cgroup'

/**
 * A cluster's bridge and control groups are named like its folder, so that all of it is found by the folder alone. With the six characters that
 * make it unique a name has fifteen, and no interface may have more.
 */
export const FOLDER_PREFIX = `${PARENT}/berthk8s-`

/** Makes the group that pods are to be in, in every hierarchy of control groups, and gives its path below each. */
export async function addControlGroups(directory: string): Promise<string> {
  await Promise.all((await controlGroups(directory)).map((path) => mkdir(path, { recursive: true })))
  return `/${basename(directory)}`
}

/** Removes what a cluster leaves outside of its namespaces: control groups, the bridge, the folder. No process of it may live any more. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const path of await controlGroups(directory)) await removeControlGroup(path)
  await removePodNetwork(basename(directory))
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
}

/** Removes what clusters have left behind whose process was killed. One that is starting or running holds its lock and is left alone. */
export async function sweepLeftovers(): Promise<void> {
  for (const name of await readdir(PARENT)) {
    const directory = join(PARENT, name)
    if (!directory.startsWith(FOLDER_PREFIX) || !(await isDead(directory))) continue
    await removeLeftovers(directory)
  }
}

async function isDead(directory: string): Promise<boolean> {
  const lock = join(directory, 'alive')
  try {
    await stat(lock)
  } catch {
    // Its lock is about to be made, unless that was long ago. Or it is just being removed by its owner.
    const made = await stat(directory).catch(() => undefined)
    return made !== undefined && Date.now() - made.mtimeMs > 60_000
  }
  return runProgram('flock', ['--nonblock', lock, 'true']).then(
    () => true,
    () => false,
  )
}

/** One folder per hierarchy of the first version of control groups, or the one of the second. */
async function controlGroups(directory: string): Promise<readonly string[]> {
  const entries = await readdir(CONTROL_GROUPS, { withFileTypes: true })
  const name = basename(directory)
  if (entries.some((entry) => entry.name === 'cgroup.controllers')) return [join(CONTROL_GROUPS, name)]
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(CONTROL_GROUPS, entry.name, name))
}

/** A group can be removed when it has no process and no group below. The kernel takes a moment to let go of killed processes. */
async function removeControlGroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await removeControlGroup(join(path, entry.name))
  await waitUntil(
    `${path} is removed`,
    async () => {
      await rmdir(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
      return true
    },
    { timeoutMs: 10_000 },
  )
}
