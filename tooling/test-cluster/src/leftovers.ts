import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { removePodNetwork } from './pod-network.ts'
import { runProgram } from './run-program.ts'
import { waitUntil } from './wait-until.ts'

/** Not `os.tmpdir()`, because sockets in it must have short paths. */
const PARENT = '/tmp'
const CONTROL_GROUPS = '/sys/fs/cgroup'
/** How long a new folder may be without its lock. */
const LOCK_GRACE_MS = 60_000

/**
 * A cluster's bridge and control groups have the name of its folder, so that the folder alone finds
 * them all. With the six random characters a name has fifteen, the limit for an interface.
 */
export const FOLDER_PREFIX = `${PARENT}/berthk8s-`

/**
 * Creates the control group of pods in every hierarchy. Returns its path, which is the same in
 * each.
 */
export async function addControlGroups(directory: string): Promise<string> {
  await Promise.all((await controlGroups(directory)).map((path) => mkdir(path, { recursive: true })))
  return `/${basename(directory)}`
}

/**
 * Removes what a cluster leaves outside its namespaces: control groups, the bridge and the folder.
 * None of its processes may be running.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const path of await controlGroups(directory)) await removeControlGroup(path)
  await removePodNetwork(basename(directory))
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
}

/**
 * Removes the leftovers of clusters whose process was killed. Clusters that are starting or running
 * hold a lock and are skipped.
 */
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
    // A new folder has no lock yet, and a folder that is being removed no longer has one.
    const made = await stat(directory).catch(() => undefined)
    return made !== undefined && Date.now() - made.mtimeMs > LOCK_GRACE_MS
  }
  return runProgram('flock', ['--nonblock', lock, 'true']).then(
    () => true,
    () => false,
  )
}

/** Returns a cluster's control groups: one per hierarchy of cgroups v1, or the only one of v2. */
async function controlGroups(directory: string): Promise<readonly string[]> {
  const entries = await readdir(CONTROL_GROUPS, { withFileTypes: true })
  const name = basename(directory)
  if (entries.some((entry) => entry.name === 'cgroup.controllers')) return [join(CONTROL_GROUPS, name)]
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(CONTROL_GROUPS, entry.name, name))
}

/**
 * Removes a group after its subgroups. Waits, because the kernel needs a moment to remove killed
 * processes.
 */
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
