import { readFile, readdir, readlink } from 'node:fs/promises'
import { sep } from 'node:path'

/** A process of this machine, from `/proc`. */
export interface ProcessInfo {
  readonly pid: number
  readonly parentPid: number
  readonly sessionId: number
  /** In ticks since boot. Together with the pid it identifies a process uniquely. */
  readonly startedAt: number
  /** Real, effective, saved and file system uid. */
  readonly uids: readonly number[]
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
  const names = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  const processes = await Promise.all(names.map(async (name) => await readProcess(Number(name))))
  return processes.filter((process) => process !== undefined)
}

/** Returns a process; undefined if it has ended. */
export async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  const [stat, status] = await Promise.all([readProc(pid, 'stat'), readProc(pid, 'status')])
  if (stat === undefined || status === undefined) return undefined
  // The name in parentheses may itself contain parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parentPid, , sessionId] = fields
  const uids = /^Uid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? []
  if (state === undefined || state === 'Z' || state === 'X') return undefined
  return { pid, parentPid: Number(parentPid), sessionId: Number(sessionId), startedAt: Number(fields[19]), uids }
}

/**
 * Returns the processes of a workspace: those that have its uid, carry its marker or are known, and
 * their descendants and sessions. If the workspace has no uid of its own, also those that work in
 * its folder. Never returns this process, its ancestors or its session.
 */
export async function findWorkspaceProcesses(workspace: WorkspaceProcesses): Promise<ProcessInfo[]> {
  const all = await listProcesses()
  const others = withoutOwn(all)
  const members = new Map<number, ProcessInfo>()
  const checks = others.map(async (process) => {
    if (await isMember(process, workspace)) members.set(process.pid, process)
  })
  await Promise.all(checks)
  addRelatives(members, others)
  return [...members.values()]
}

function withoutOwn(all: readonly ProcessInfo[]): ProcessInfo[] {
  const byPid = new Map(all.map((entry) => [entry.pid, entry]))
  const own = new Set<number>()
  const sessionId = byPid.get(process.pid)?.sessionId
  for (let entry = byPid.get(process.pid); entry !== undefined && !own.has(entry.pid); entry = byPid.get(entry.parentPid))
    own.add(entry.pid)
  return all.filter((entry) => !own.has(entry.pid) && (entry.sessionId !== sessionId || entry.sessionId === 0))
}

async function isMember(entry: ProcessInfo, { marker, uid, known, directory }: WorkspaceProcesses): Promise<boolean> {
  if (uid !== undefined && entry.uids.includes(uid)) return true
  if (known.some(({ pid, started_at }) => pid === entry.pid && started_at === entry.startedAt)) return true
  // Only processes of this uid can be ours: others can't carry the marker.
  if (!entry.uids.includes(process.getuid?.() ?? -1)) return false
  if ((await readProc(entry.pid, 'environ'))?.split('\0').includes(marker) === true) return true
  return uid === undefined && (await worksIn(entry.pid, directory))
}

async function worksIn(pid: number, directory: string): Promise<boolean> {
  try {
    const path = await readlink(`/proc/${pid}/cwd`)
    return path === directory || path.startsWith(directory + sep)
  } catch {
    return false // ended, or not readable by this process
  }
}

function addRelatives(members: Map<number, ProcessInfo>, all: readonly ProcessInfo[]): void {
  let before = -1
  while (before !== members.size) {
    before = members.size
    const sessions = new Set([...members.values()].map(({ sessionId }) => sessionId).filter((sessionId) => sessionId !== 0))
    for (const entry of all) {
      if (members.has(entry.parentPid) || sessions.has(entry.sessionId)) members.set(entry.pid, entry)
    }
  }
}

async function readProc(pid: number, name: 'stat' | 'status' | 'environ'): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined // ended, or not readable by this process
  }
}
