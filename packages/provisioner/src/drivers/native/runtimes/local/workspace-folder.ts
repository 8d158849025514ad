import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { chmod, chown, lstat, mkdir, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { ProvisionError } from '../../../../driver.ts'

/**
 * The folder of a workspace and its content. Everything except `home` and `tmp` belongs to the
 * server.
 */
export interface WorkspaceFolder {
  readonly path: string
  readonly home: string
  readonly tmp: string
  readonly log: string
  readonly passwd: string
  readonly group: string
}

const maxLogBytes = 1024 * 1024
const maxSaidCharacters = 1_000

/**
 * Returns the paths of a workspace. Throws for an ID that isn't a UUID, because it could lead
 * anywhere as a path.
 */
export function workspaceFolder(workspacesDirectory: string, workspaceId: string): WorkspaceFolder {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(workspaceId)) {
    throw new ProvisionError(`${JSON.stringify(workspaceId)} isn't a valid workspace ID; it must be a lower-case UUID`)
  }
  const path = join(workspacesDirectory, workspaceId)
  return {
    path,
    home: join(path, 'home'),
    tmp: join(path, 'tmp'),
    log: join(path, 'agent.log'),
    passwd: join(path, 'passwd'),
    group: join(path, 'group'),
  }
}

/**
 * Creates the folder if it is missing, with a home directory that only the workspace can enter, and
 * an empty folder for temporary files. With a uid, only that uid's group can enter the folder
 * itself.
 */
export async function prepareFolder(folder: WorkspaceFolder, uid: number | undefined): Promise<void> {
  const workspacesDirectory = dirname(folder.path)
  await mkdir(workspacesDirectory, { recursive: true, mode: 0o711 })
  if (uid !== undefined) await chmod(workspacesDirectory, 0o711)
  await mkdir(folder.path, { recursive: true, mode: 0o700 })
  if (uid !== undefined) {
    await chown(folder.path, 0, uid)
    await chmod(folder.path, 0o710)
  }
  await removeTree(folder.tmp)
  await makePrivate(folder.tmp, uid)
  const isNew = await makePrivate(folder.home, uid)
  const owner = (await lstat(folder.home)).uid
  if (!isNew && uid !== undefined && owner !== uid) {
    throw new ProvisionError(
      `the home directory of the workspace belongs to uid ${owner} instead of ${uid}; run: chown -hR ${uid}:${uid} ${folder.home}`,
    )
  }
}

/** Creates a directory that only the uid can enter. Returns whether it was missing. */
async function makePrivate(path: string, uid: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
  if (uid !== undefined) await chown(path, uid, uid)
  return true
}

/**
 * Opens the agent's log for appending. First renames a long one to `agent.log.1`, replacing an
 * earlier one.
 */
export async function openLog(folder: WorkspaceFolder): Promise<FileHandle> {
  const size = await stat(folder.log).then(
    (found) => found.size,
    () => 0,
  )
  if (size > maxLogBytes) await rename(folder.log, `${folder.log}.1`)
  return await open(folder.log, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600)
}

/**
 * Removes the folder and its content. No process of the workspace may be running. Throws
 * `ProvisionError` if something is mounted inside or can't be removed.
 */
export async function removeFolder(folder: WorkspaceFolder): Promise<void> {
  const mounts = await mountsBelow(folder.path)
  if (mounts.length > 0)
    throw new ProvisionError(`something is mounted inside the workspace: ${mounts.join(', ')}; unmount it and try again`)
  await removeTree(folder.path)
}

async function mountsBelow(path: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const points = text
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
  return points.filter((point) => point.startsWith(path + sep))
}

/**
 * Removes an untrusted tree. `rm` walks it by open directories, so it follows no links and handles
 * paths of any length. If that fails, unlocks directories without permissions and tries again.
 */
async function removeTree(path: string): Promise<void> {
  if ((await runTool('rm', ['-rf', '--', path])) === undefined) return
  await runTool('chmod', ['-R', 'u+rwX', '--', path])
  const failure = await runTool('rm', ['-rf', '--', path])
  if (failure === undefined) return
  if (failure !== 'ENOENT') throw new ProvisionError(`can't remove the files of the workspace: ${failure}`)
  await rm(path, { recursive: true, force: true }) // this machine has no rm
}

async function runTool(command: string, toolArguments: readonly string[]): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const tool = spawn(command, toolArguments, {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    tool.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < maxSaidCharacters) said += text
    })
    tool.stderr.on('error', () => {})
    tool.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    tool.once('close', (code) => resolve(code === 0 ? undefined : said.trim().split('\n', 3).join('; ') || `${command} ended with ${code}`))
  })
}
