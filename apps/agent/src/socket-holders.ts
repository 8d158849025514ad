import { readdir, readFile, readlink } from 'node:fs/promises'
import type { Environment } from './config.ts'

/**
 * Whose sockets count. `any`: everybody's. `visible`: those of all processes whose descriptors the
 * agent can read. A marker, as `NAME=value`: those of processes that have it in their environment,
 * and of their descendants and sessions.
 */
export type Holders = 'any' | 'visible' | { readonly marker: string }

/** A process that listens on a socket. */
export interface Holder {
  readonly inode: string
  readonly processName: string
}

const maxProcesses = 10_000
const maxDescriptors = 10_000
const maxAncestors = 100
/** Node.js has four threads for files by default, and terminals share them. */
const processesAtOnce = 4

/**
 * Returns whose ports are listed. Whoever starts an agent in a network that it shares with other
 * programs says so in BERTH_AGENT_PORTS.
 */
export function portHolders(environment: Environment): Holders {
  const { BERTH_AGENT_PORTS: ports, BERTH_WORKSPACE_ID: workspaceId } = environment
  if (ports === 'marked' && workspaceId !== undefined) return { marker: `BERTH_WORKSPACE_ID=${workspaceId}` }
  return ports === 'visible' || ports === 'marked' ? 'visible' : 'any'
}

/** Finds the processes that hold sockets, as far as the agent may look at them. */
export async function findHolders(inodes: ReadonlySet<string>, holders: Holders): Promise<Holder[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).slice(0, maxProcesses)
  const found = new Map<string, Holder>()
  const rest = pids.values()
  const visitRest = async (): Promise<void> => {
    for (const pid of rest) {
      if (found.size === inodes.size) return
      const held = (await socketsOf(pid)).filter((inode) => inodes.has(inode) && !found.has(inode))
      if (held.length === 0 || (typeof holders === 'object' && !(await isRelated(pid, holders.marker)))) continue
      const processName = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
      for (const inode of held) found.set(inode, { inode, processName })
    }
  }
  await Promise.all(Array.from({ length: processesAtOnce }, visitRest))
  return [...found.values()]
}

/** Returns the inodes of a process's sockets. */
async function socketsOf(pid: string): Promise<string[]> {
  const descriptors = (await readdir(`/proc/${pid}/fd`).catch(() => [])).slice(0, maxDescriptors)
  const sockets: string[] = []
  for (const descriptor of descriptors) {
    const link = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
    if (inode !== undefined) sockets.push(inode)
  }
  return sockets
}

/** Returns whether a process, one of its ancestors or the leader of its session is marked. */
async function isRelated(pid: string, marker: string): Promise<boolean> {
  let current = pid
  for (let count = 0; count < maxAncestors && Number(current) > 1; count += 1) {
    if (await isMarked(current, marker)) return true
    const { parent, session } = await readRelatives(current)
    if (session !== current && (await isMarked(session, marker))) return true
    current = parent
  }
  return false
}

async function isMarked(pid: string, marker: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
  return environment.split('\0').includes(marker)
}

async function readRelatives(pid: string): Promise<{ parent: string; session: string }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // The name in parentheses may contain anything. State, parent, group and session follow.
  const [, parent = '0', , session = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { parent, session }
}
