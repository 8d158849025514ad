import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, copyFile, mkdir, readFile, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ProvisionError } from '../../../../driver.ts'

/** The programs that run in workspaces. */
export interface SharedPrograms {
  /** A folder with `main.js` that every user can read. */
  readonly agentDirectory: string
  /** A Node.js that every user can run. */
  readonly nodePath: string
}

export interface ShareOptions {
  readonly agentDirectory: string
  readonly nodePath: string
  /** Holds the copies. */
  readonly directory: string
  /** Whether workspaces run as other users, which may not be able to read the server's files. */
  readonly hasOwnUids: boolean
}

/**
 * Copies the agent once to a folder named for its content, so that running agents keep their files
 * when the server is upgraded. Also copies Node.js if other users can't run it. Throws
 * `ProvisionError` if the agent is missing.
 */
export async function sharePrograms({ agentDirectory, nodePath, directory, hasOwnUids }: ShareOptions): Promise<SharedPrograms> {
  const agent = await copyOnce({
    directory,
    hash: await hashTree(agentDirectory),
    copy: async (target) => await copyTree(agentDirectory, target),
  })
  const node = await realpath(nodePath)
  if (!hasOwnUids || (await canOthersRun(node))) return { agentDirectory: agent, nodePath: node }
  const { size, mtimeMs } = await stat(node)
  const copied = await copyOnce({
    directory,
    hash: `node-${createHash('sha256').update(`${node}\0${size}\0${mtimeMs}`).digest('hex').slice(0, 16)}`,
    copy: async (target) => {
      await mkdir(target, { mode: 0o755 })
      await copyFile(node, join(target, 'node'))
      await chmod(join(target, 'node'), 0o755)
    },
  })
  return { agentDirectory: agent, nodePath: join(copied, 'node') }
}

/**
 * Returns the first directory on a path that other users can't enter; undefined if there is none.
 */
export async function firstClosedDirectory(path: string): Promise<string | undefined> {
  const parents: string[] = []
  for (let current = await realpath(path); ; current = dirname(current)) {
    parents.unshift(current)
    if (current === dirname(current)) break
  }
  for (const parent of parents) if (((await stat(parent)).mode & 0o001) === 0) return parent
  return undefined
}

async function canOthersRun(file: string): Promise<boolean> {
  if (((await stat(file)).mode & 0o005) !== 0o005) return false
  return (await firstClosedDirectory(dirname(file))) === undefined
}

async function hashTree(root: string): Promise<string> {
  try {
    await access(join(root, 'main.js'), constants.R_OK)
  } catch (error) {
    throw new ProvisionError(`the agent is missing: can't read ${join(root, 'main.js')}; build it or correct the setting`, {
      cause: error,
    })
  }
  const hash = createHash('sha256')
  for (const path of await filesBelow(root)) {
    const content = await readFile(join(root, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 16)
}

/** Returns the paths of all files in a fixed order. Follows links, because a copy has none. */
async function filesBelow(root: string, below = ''): Promise<string[]> {
  const names = (await readdir(join(root, below))).sort()
  const found: string[] = []
  for (const name of names) {
    const path = join(below, name)
    if ((await stat(join(root, path))).isDirectory()) found.push(...(await filesBelow(root, path)))
    else found.push(path)
  }
  return found
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o755 })
  await chmod(to, 0o755)
  for (const name of await readdir(from)) {
    const source = join(from, name)
    const target = join(to, name)
    const { mode, ...found } = await stat(source).then((stats) => ({ mode: stats.mode, isDirectory: stats.isDirectory() }))
    if (found.isDirectory) await copyTree(source, target)
    else {
      await copyFile(source, target)
      await chmod(target, (mode & 0o111) === 0 ? 0o644 : 0o755)
    }
  }
}

async function copyOnce({
  directory,
  hash,
  copy,
}: {
  readonly directory: string
  readonly hash: string
  readonly copy: (target: string) => Promise<void>
}): Promise<string> {
  const target = join(directory, hash)
  if (await exists(target)) return target
  await mkdir(directory, { recursive: true, mode: 0o755 })
  await chmod(directory, 0o755)
  const half = join(directory, `.${hash}-${randomBytes(6).toString('hex')}`)
  try {
    await copy(half)
    await rename(half, target)
  } catch (error) {
    await rm(half, { recursive: true, force: true })
    if (!(await exists(target))) throw error // another server made the same copy first
  }
  return target
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
