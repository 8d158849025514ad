import { readdir, readlink } from 'node:fs/promises'
import { sep } from 'node:path'
import { forEachProcess, readEnvironment, readProcessFile } from './process-files.ts'

/** A process of this machine, from `/proc`. */
export interface ProcessInfo {
  readonly pid: number
  readonly parentPid: number
  readonly groupId: number
  readonly sessionId: number
  /** In ticks since boot. Together with the pid it identifies a process uniquely. */
  readonly startedAt: number
  /** Real, effective, saved and file system uid. */
  readonly uids: readonly number[]
  /** Its pid in each of its pid namespaces, starting with that of `/proc`. */
  readonly namespacePids: readonly number[]
}

/** The features that identify the processes of a workspace. */
export interface WorkspaceProcesses {
  /** A variable, as `NAME=value`, that agents have in their environment and pass on. */
  readonly marker: string
  /** The uid that only this workspace has. */
  readonly uid?: number
  /** Processes that are known to belong to the workspace. */
  readonly known: readonly { readonly pid: number; readonly started_at: number }[]
  /** The folder of the workspace. Used if the workspace has no uid of its own. */
  readonly directory: string
}

/**
 * Returns all processes of the machine, except zombies and those that end while the list is read.
 */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)
  const processes: ProcessInfo[] = []
  await forEachProcess(pids, async (pid) => {
    const found = await readProcess(pid)
    if (found !== undefined) processes.push(found)
  })
  return processes
}

/** Returns a process; undefined if it has ended. */
export async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  const [stat, status] = await Promise.all([readStat(pid), readProcessFile(pid, 'status')])
  if (stat === undefined || status === undefined) return undefined
  const uids = numbersOf('Uid', status)
  const namespacePids = numbersOf('NSpid', status) // absent in old kernels
  return { pid, ...stat, uids, namespacePids: namespacePids.length > 0 ? namespacePids : [pid] }
}

/** Returns whether a process is still running, and not another one that got its pid. */
export async function isRunning({ pid, startedAt }: ProcessInfo): Promise<boolean> {
  return (await readStat(pid))?.startedAt === startedAt
}

/** Returns the part of a process that is cheapest to read; undefined if it has ended. */
export async function readStat(pid: number): Promise<Pick<ProcessInfo, 'parentPid' | 'groupId' | 'sessionId' | 'startedAt'> | undefined> {
  const stat = await readProcessFile(pid, 'stat')
  if (stat === undefined) return undefined
  // The name in parentheses may itself contain parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parentPid, groupId, sessionId] = fields
  if (state === undefined || state === 'Z' || state === 'X') return undefined
  return { parentPid: Number(parentPid), groupId: Number(groupId), sessionId: Number(sessionId), startedAt: Number(fields[19]) }
}

function numbersOf(name: string, status: string): number[] {
  const line = new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]
  return line === undefined ? [] : line.trim().split(/\s+/).map(Number)
}

/**
 * Returns the processes of a workspace: those that have its uid, carry its marker or are known, and
 * their descendants and sessions. If the workspace has no uid of its own, also those that work in
 * its folder. Never returns this process, its ancestors or its session.
 */
export async function findWorkspaceProcesses(workspace: WorkspaceProcesses): Promise<ProcessInfo[]> {
  const others = withoutOwn(await listProcesses())
  const members = withRelatives(
    others.filter((entry) => isKnown(entry, workspace)),
    others,
  )
  // Only processes of this uid can still be ours: others can't carry the marker.
  const ownUid = process.getuid?.() ?? -1
  const suspects = others.filter((entry) => !members.has(entry) && entry.uids.includes(ownUid))
  const found = [...members]
  await forEachProcess(suspects, async (entry) => {
    if (await isMarked(entry, workspace)) found.push(entry)
  })
  return [...withRelatives(found, others)]
}

function withoutOwn(all: readonly ProcessInfo[]): ProcessInfo[] {
  const byPid = new Map(all.map((entry) => [entry.pid, entry]))
  const own = new Set<number>()
  const sessionId = byPid.get(process.pid)?.sessionId
  for (let entry = byPid.get(process.pid); entry !== undefined && !own.has(entry.pid); entry = byPid.get(entry.parentPid))
    own.add(entry.pid)
  return all.filter((entry) => !own.has(entry.pid) && (entry.sessionId !== sessionId || entry.sessionId === 0))
}

function isKnown(entry: ProcessInfo, { uid, known }: WorkspaceProcesses): boolean {
  if (uid !== undefined && entry.uids.includes(uid)) return true
  return known.some(({ pid, started_at }) => pid === entry.pid && started_at === entry.startedAt)
}

async function isMarked({ pid }: ProcessInfo, { marker, uid, directory }: WorkspaceProcesses): Promise<boolean> {
  if ((await readEnvironment(pid)).includes(marker)) return true
  return uid === undefined && (await worksIn(pid, directory))
}

async function worksIn(pid: number, directory: string): Promise<boolean> {
  try {
    const path = await readlink(`/proc/${pid}/cwd`)
    return path === directory || path.startsWith(directory + sep)
  } catch {
    return false // ended, or not readable by this process
  }
}

/** Returns processes with their descendants and everything in their sessions. */
function withRelatives(processes: readonly ProcessInfo[], all: readonly ProcessInfo[]): Set<ProcessInfo> {
  const children = groupBy(all, ({ parentPid }) => parentPid)
  const sessions = groupBy(all, ({ sessionId }) => sessionId)
  sessions.delete(0) // the sessions of other pid namespaces
  const found = new Set(processes)
  // A set's iteration includes what is added meanwhile.
  for (const { pid, sessionId } of found) {
    for (const child of children.get(pid) ?? []) found.add(child)
    for (const peer of sessions.get(sessionId) ?? []) found.add(peer)
    sessions.delete(sessionId)
  }
  return found
}

function groupBy(all: readonly ProcessInfo[], keyOf: (entry: ProcessInfo) => number): Map<number, ProcessInfo[]> {
  const groups = new Map<number, ProcessInfo[]>()
  for (const entry of all) {
    const group = groups.get(keyOf(entry))
    if (group === undefined) groups.set(keyOf(entry), [entry])
    else group.push(entry)
  }
  return groups
}
