import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, open, readdir, readFile, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** Programs of the system lie in folders that a user's PATH may lack. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Run in the new namespaces with the cluster's folder and its name. Everything that the node's programs write below /run, /var and /tmp lands
 * in the folder, which itself stays where it is, and so do the settings of the kernel that the kubelet insists on: the machine keeps its own.
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
 * The namespaces of processes and mounts that a node's programs and pods live in. Their first process ends with the process that called
 * `enterNodeNamespace` (to be exact its thread), whatever ends that; the kernel then kills every other one and forgets the mounts.
 */
export interface NodeNamespace {
  /** Starts a program that is to run as long as the node; what it prints goes to `logs/<name>.log`. */
  start(name: string, command: readonly string[]): Promise<void>
  /** Fails as soon as a program that was started ends by itself. */
  readonly failure: Promise<never>
  /** Returns when no process of it is left. */
  stop(): Promise<void>
}

/** `programs` is the folder that is seen as `bin` in the cluster's folder. */
export async function enterNodeNamespace(directory: string, programs: string): Promise<NodeNamespace> {
  const folders = ['bin', 'etcd', 'logs', 'run', 'settings', 'var/lib', 'var/log', `tmp/${basename(directory)}`]
  await Promise.all(folders.map((folder) => mkdir(join(directory, folder), { recursive: true })))
  await symlink('/run', join(directory, 'var/run'))
  const holder = await startHolder(directory, programs)
  // Its only child, by the number that it has outside.
  const first = Number(await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8'))
  const running: ChildProcess[] = []
  let isStopping = false
  const ends = new EventEmitter()
  const failure = once(ends, 'failure').then(([reason]: Error[]) => Promise.reject(reason ?? new Error('a program of the node ended')))
  // Whoever starts a cluster listens while it starts; afterwards a failure shows in what the tests see.
  failure.catch(() => undefined)

  const start = async (name: string, command: readonly string[]): Promise<void> => {
    const log = await open(join(directory, 'logs', `${name}.log`), 'a')
    const target = `/proc/${holder.pid}/ns`
    const words = [`--mount=${target}/mnt`, `--pid=${target}/pid_for_children`, '--', ...command]
    const child = spawn('nsenter', words, {
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: { PATH: SYSTEM_PATH, HOME: '/root', LC_ALL: 'C.UTF-8' },
    })
    child.once('error', (error) => ends.emit('failure', error))
    child.once('exit', (code, signal) => {
      if (!isStopping) ends.emit('failure', new Error(`${name} ended by itself (${signal ?? `status ${code}`})`))
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

/** Locks the file `alive` for as long as the first process lives, by which a later start tells a cluster from what one has left behind. */
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
    once(holder, 'exit').then(() => Promise.reject(new Error(`a namespace for the node was refused: ${complaint.trim()}`))),
  ])
  return holder
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** The last lines that each program of the node wrote. */
export async function lastLines(directory: string, count: number): Promise<string> {
  const names = (await readdir(join(directory, 'logs')).catch((): string[] => [])).toSorted()
  const parts = names.map(async (name) => {
    const lines = (await readFile(join(directory, 'logs', name), 'utf8')).trimEnd().split('\n')
    return [`── ${name}`, ...lines.slice(-count)].join('\n')
  })
  return (await Promise.all(parts)).join('\n')
}
