import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, open, readdir, readFile, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** A user's PATH may lack some of these folders. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * How much the memory of a Go program grows before it is collected. Programs of a cluster are young
 * and small, and collected at the usual 100 % they spend a fifth of their time on it.
 */
const GARBAGE_PERCENT = '800'

/**
 * Runs in the new namespaces with the cluster's folder and its name. Whatever the node's programs
 * write in /run, /var and /tmp goes to the folder, which keeps its path. So do the kernel settings
 * that the kubelet requires: the machine keeps its own.
 */
const ENTER = `set -e
mount --bind "$3" "$1/bin"
mount -t tmpfs tmpfs "$1/etcd"
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  copy="$1/settings/$(basename $setting)"
  cat /proc/sys/$setting >"$copy"
  mount --bind "$copy" /proc/sys/$setting
done
mount --bind "$1/run" /run
mount --bind "$1/var" /var
mount --rbind "$1" "$1/tmp/$2"
mount --rbind "$1/tmp" /tmp
echo entered
exec "/tmp/$2/bin/pause"`

/**
 * The pid and mount namespaces of a node's programs and pods. Their first process ends with the
 * thread that called `enterNodeNamespace`, whatever ends that. The kernel then kills all other
 * processes and removes the mounts.
 */
export interface NodeNamespace {
  /** Starts a program that runs as long as the node. Its output goes to `logs/<name>.log`. */
  start(name: string, command: readonly string[]): Promise<void>
  /** Rejects as soon as a started program exits unexpectedly. */
  readonly failure: Promise<never>
  /** Resolves when all processes have ended. */
  stop(): Promise<void>
}

/** `programs` is the folder that is mounted as `bin` in the cluster's folder. */
export async function enterNodeNamespace(directory: string, programs: string): Promise<NodeNamespace> {
  const folders = ['bin', 'etcd', 'logs', 'run', 'settings', 'var/lib', 'var/log', `tmp/${basename(directory)}`]
  await Promise.all(folders.map((folder) => mkdir(join(directory, folder), { recursive: true })))
  await symlink('/run', join(directory, 'var/run'))
  const holder = await startHolder(directory, programs)
  // Its only child, by its pid outside the namespace.
  const first = Number(await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8'))
  const running: ChildProcess[] = []
  let isStopping = false
  const ends = new EventEmitter()
  const failure = once(ends, 'failure').then(([reason]: Error[]) => Promise.reject(reason ?? new Error('a program of the node exited')))
  // Only the start of a cluster waits for this. Later failures show in the tests.
  failure.catch(() => undefined)

  const start = async (name: string, command: readonly string[]): Promise<void> => {
    const log = await open(join(directory, 'logs', `${name}.log`), 'a')
    const target = `/proc/${holder.pid}/ns`
    const words = [`--mount=${target}/mnt`, `--pid=${target}/pid_for_children`, '--', ...command]
    const child = spawn('nsenter', words, {
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: { PATH: SYSTEM_PATH, HOME: '/root', LC_ALL: 'C.UTF-8', GOGC: GARBAGE_PERCENT },
    })
    child.once('error', (error) => ends.emit('failure', error))
    child.once('exit', (code, signal) => {
      if (!isStopping) ends.emit('failure', new Error(`${name} exited unexpectedly (${signal ?? `status ${code}`})`))
    })
    running.push(child)
    await log.close()
  }

  const stop = async (): Promise<void> => {
    isStopping = true
    const ended = [holder, ...running].filter(isRunning).map((child) => once(child, 'exit'))
    if (isRunning(holder)) process.kill(first, 'SIGKILL')
    await Promise.all(ended)
  }
  return { start, failure, stop }
}

/**
 * Locks the file `alive` while the first process runs, so that a later start can tell a running
 * cluster from leftovers.
 */
async function startHolder(directory: string, programs: string): Promise<ChildProcess> {
  const dying = ['--pdeathsig', 'KILL']
  const locking = ['flock', '--no-fork', '--nonblock', join(directory, 'alive')]
  const unsharing = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const entering = ['sh', '-c', ENTER, 'enter', directory, basename(directory), programs]
  const holder = spawn('setpriv', [...dying, ...locking, ...unsharing, ...entering], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: SYSTEM_PATH },
  })
  let complaint = ''
  holder.stderr.on('data', (bytes) => (complaint += String(bytes)))
  await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(() => Promise.reject(new Error(`can't create a namespace for the node: ${complaint.trim()}`))),
  ])
  return holder
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** Returns the last lines of output of each program of the node. */
export async function lastLines(directory: string, count: number): Promise<string> {
  const names = (await readdir(join(directory, 'logs')).catch((): string[] => [])).toSorted()
  const parts = names.map(async (name) => {
    const lines = (await readFile(join(directory, 'logs', name), 'utf8')).trimEnd().split('\n')
    return [`── ${name}`, ...lines.slice(-count)].join('\n')
  })
  return (await Promise.all(parts)).join('\n')
}
