import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, copyFile, mkdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ProvisionError } from '../../../../driver.ts'
import { programFiles, type ProgramFile } from './program-files.ts'

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
 * Copies the agent, with the packages it needs, once to a folder named for its content, so that
 * running agents keep their files when the server is upgraded. Also copies Node.js if other users
 * can't run it. Throws `ProvisionError` if the agent is missing.
 */
export async function sharePrograms({ agentDirectory, nodePath, directory, hasOwnUids }: ShareOptions): Promise<SharedPrograms> {
  const files = await agentFiles(agentDirectory)
  const agent = await copyOnce({
    directory,
    hash: await hashOf(files),
    copy: async (target) => await copyFiles(files, target),
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

async function agentFiles(root: string): Promise<readonly ProgramFile[]> {
  try {
    await access(join(root, 'main.js'), constants.R_OK)
  } catch (error) {
    throw new ProvisionError(`the agent is missing: can't read ${join(root, 'main.js')}; build it or correct the setting`, {
      cause: error,
    })
  }
  return await programFiles(root)
}

async function hashOf(files: readonly ProgramFile[]): Promise<string> {
  const hash = createHash('sha256')
  for (const { path, source } of files) {
    const content = await readFile(source)
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 16)
}

async function copyFiles(files: readonly ProgramFile[], to: string): Promise<void> {
  const folders = new Set<string>()
  const makeFolder = async (folder: string): Promise<void> => {
    if (folders.has(folder)) return
    folders.add(folder)
    if (folder !== to) await makeFolder(dirname(folder))
    await mkdir(folder)
    await chmod(folder, 0o755) // whatever the server's umask is
  }
  await makeFolder(to)
  for (const { path, source } of files) {
    const target = join(to, path)
    await makeFolder(dirname(target))
    await copyFile(source, target)
    await chmod(target, ((await stat(source)).mode & 0o111) === 0 ? 0o644 : 0o755)
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
