import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { coverInherited } from './inherited-descriptors.ts'

/** A command line and the user that runs it. */
export interface Launch {
  readonly command: string
  readonly arguments: readonly string[]
  /** Default: the user of this process. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Default: empty. */
  readonly environment?: Readonly<Record<string, string>>
}

/** The parts of a sandbox. Paths are those on the machine, except `homeInside`. */
export interface SandboxPlan {
  readonly bubblewrapPath: string
  readonly hostName: string
  readonly home: string
  /** The path of the home directory inside the sandbox. */
  readonly homeInside: string
  readonly passwd: string
  readonly group: string
  readonly agentDirectory: string
  readonly nodePath: string
}

const trialTimeoutMs = 10_000
const maxSaidCharacters = 1_000

/** The paths inside every sandbox. */
export const insideSandbox = { agentDirectory: '/run/berth/agent', nodePath: '/run/berth/node', tmp: '/tmp' }

/** The parts of `/etc` that programs need and that contain no secrets. */
const etcNames = `
  alternatives bash.bashrc ca-certificates ca-certificates.conf debian_version environment fonts gai.conf gitconfig host.conf hosts
  inputrc java ld.so.cache ld.so.conf ld.so.conf.d locale.alias locale.conf localtime login.defs magic manpath.config mime.types
  nanorc nsswitch.conf os-release perl pki profile profile.d protocols python3 resolv.conf rpc services shells skel ssh/ssh_config
  ssh/ssh_config.d ssl/certs ssl/openssl.cnf terminfo timezone vim wgetrc zsh
`
  .trim()
  .split(/\s+/)

/**
 * Returns the arguments of bubblewrap for a sandbox that shows only what a workspace needs: the
 * system's programs (read-only), its own home directory, empty temporary folders and its own
 * processes. The network is the machine's.
 */
export async function sandboxArguments(plan: SandboxPlan): Promise<string[]> {
  const namespaces = ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', plan.hostName]
  const system = ['--ro-bind', '/usr', '/usr', ...(await systemFolders())]
  // Otherwise bubblewrap, run as root, creates these folders so that nobody else can enter them.
  const folders = ['/etc', '/etc/ssh', '/etc/ssl', '/home', '/var'].flatMap((path) => ['--perms', '0755', '--dir', path])
  const settings = etcNames.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`])
  const accounts = ['--ro-bind', plan.passwd, '/etc/passwd', '--ro-bind', plan.group, '/etc/group']
  const devices = ['--proc', '/proc', '--dev', '/dev']
  const temporary = ['/dev/shm', '/tmp', '/var/tmp'].flatMap((path) => ['--perms', '1777', '--tmpfs', path])
  const home = ['--bind', plan.home, plan.homeInside]
  const programs = ['--perms', '0755', '--tmpfs', '/run', '--perms', '0755', '--dir', '/run/berth']
  const agent = ['--ro-bind', plan.agentDirectory, insideSandbox.agentDirectory]
  const node = ['--ro-bind', plan.nodePath, insideSandbox.nodePath]
  const root = ['--remount-ro', '/', '--chdir', plan.homeInside]
  return [namespaces, system, folders, settings, accounts, devices, temporary, home, programs, agent, node, root].flat()
}

/** On most systems `/bin`, `/lib` and so on are links into `/usr`, on some they are folders. */
async function systemFolders(): Promise<string[]> {
  const found = await Promise.all(
    ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].map(async (path) => {
      try {
        return (await lstat(path)).isSymbolicLink() ? ['--symlink', await readlink(path), path] : ['--ro-bind', path, path]
      } catch {
        return [] // not on this machine
      }
    }),
  )
  return found.flat()
}

/** A way to start a program in a sandbox. */
export interface SandboxWay {
  /**
   * `user`: the workspace's uid creates the sandbox in a user namespace. `root`: root creates it
   * and `setpriv` drops all privileges.
   */
  readonly kind: 'user' | 'root'
  readonly launch: (options: {
    readonly plan: SandboxPlan
    readonly uid: number | undefined
    readonly program: readonly string[]
  }) => Promise<Launch>
}

/** Returns the ways to try on this machine, best first. */
export function sandboxWays(setprivPath: string | undefined): SandboxWay[] {
  const asUser: SandboxWay = {
    kind: 'user',
    launch: async ({ plan, uid, program }) => ({
      command: plan.bubblewrapPath,
      // In a network of its own, bubblewrap starts with another uid and with capabilities.
      arguments: [...ownUser(uid), '--cap-drop', 'ALL', ...(await sandboxArguments(plan)), '--', ...program],
      ...(uid !== undefined && { user: { uid, gid: uid } }),
    }),
  }
  const asRoot: SandboxWay = {
    kind: 'root',
    launch: async ({ plan, uid = 0, program }) => ({
      command: plan.bubblewrapPath,
      arguments: [...(await sandboxArguments(plan)), '--', ...dropRights(setprivPath ?? '', uid), ...program],
    }),
  }
  return setprivPath === undefined ? [asUser] : [asUser, asRoot]
}

function ownUser(uid = process.getuid?.() ?? 0): string[] {
  return ['--unshare-user', '--uid', `${uid}`, '--gid', `${uid === process.getuid?.() ? process.getgid?.() : uid}`]
}

function dropRights(setprivPath: string, uid: number): string[] {
  return [setprivPath, `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']
}

/**
 * Runs a program to its end. Returns undefined if it succeeds, otherwise its first line of error
 * output.
 */
export async function tryLaunch({ command, arguments: launchArguments, user, environment = {} }: Launch): Promise<string | undefined> {
  const stdio = await coverInherited(['ignore', 'ignore', 'pipe'])
  return await new Promise((resolve) => {
    const trial = spawn(command, launchArguments, {
      ...user,
      env: environment,
      cwd: '/',
      stdio,
      timeout: trialTimeoutMs,
      killSignal: 'SIGKILL',
    })
    let said = ''
    trial.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < maxSaidCharacters) said += text
    })
    trial.stderr?.on('error', () => {})
    trial.once('error', (error) => resolve(error.message))
    trial.once('close', (code) =>
      resolve(code === 0 ? undefined : (said.trim().split('\n', 1)[0] ?? '') || `${command} ended with ${code}`),
    )
  })
}

/** Returns the path of a program in the folders of a PATH; undefined if it isn't there. */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(':')) {
    if (!folder.startsWith('/')) continue
    try {
      await access(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // not in this folder
    }
  }
  return undefined
}
