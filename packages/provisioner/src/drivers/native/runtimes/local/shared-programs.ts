import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, copyFile, mkdir, readFile, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ProvisionError } from '../../../../driver.ts'

/** Where the programs are that run in workspaces. */
export interface SharedPrograms {
  /** A folder with `main.js`, readable by everyone. */
  readonly agentDirectory: string
  /** A Node.js that everyone can run. */
  readonly nodePath: string
}

/** What to share. */
export interface ShareOptions {
  readonly agentDirectory: string
  readonly nodePath: string
  /** Where the copies go. */
  readonly directory: string
  /** Whether workspaces run as somebody else, who may not be able to read what the server can. */
  readonly hasOwnUids: boolean
}

/**
 * Copies the agent to a folder named for its content, so that an agent that runs keeps the files it was started from while the server is
 * upgraded; the copy is made once.
 * Node.js is copied too where other uids can't reach it. Throws `ProvisionError` where the agent isn't there.
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

/** The first directory on the way to a path that other uids can't enter; undefined where there is none. */
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
    throw new ProvisionError(`the agent is not there: ${join(root, 'main.js')} can't be read; build it or correct the setting`, {
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

/** The paths of all files, in an order that is always the same. Links are followed: a copy has none. */
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
    if (!(await exists(target))) throw error // another server was faster
  }
  return target
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
