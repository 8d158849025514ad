import { readFile, readdir, readlink } from 'node:fs/promises'
import { sep } from 'node:path'

/** A process of this machine, as `/proc` tells it. */
export interface ProcessInfo {
  readonly pid: number
  readonly parentPid: number
  readonly sessionId: number
  /** When it started, in ticks since the machine did: together with the pid it names one process for good. */
  readonly startedAt: number
  /** Real, effective, saved and file system uid. */
  readonly uids: readonly number[]
}

/** How the processes of one workspace are told from all others. */
export interface WorkspaceProcesses {
  /** A variable that agents have in their environment and pass on, as `NAME=value`. */
  readonly marker: string
  /** A uid that belongs to this workspace alone. */
  readonly uid?: number
  /** Processes known to have belonged to it. */
  readonly known: readonly { readonly pid: number; readonly started_at: number }[]
  /** The folder of the workspace; asked where there is no uid of its own. */
  readonly directory: string
}

/** All processes but those that are dead and only wait to be noticed. Processes that vanish meanwhile are left out. */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const names = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  const processes = await Promise.all(names.map(async (name) => await readProcess(Number(name))))
  return processes.filter((process) => process !== undefined)
}

/** One process; undefined where it is gone or dead. */
export async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  const [stat, status] = await Promise.all([readProc(pid, 'stat'), readProc(pid, 'status')])
  if (stat === undefined || status === undefined) return undefined
  // The name in parentheses may hold anything, parentheses included.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parentPid, , sessionId] = fields
  const uids = /^Uid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? []
  if (state === undefined || state === 'Z' || state === 'X') return undefined
  return { pid, parentPid: Number(parentPid), sessionId: Number(sessionId), startedAt: Number(fields[19]), uids }
}

/**
 * The processes of a workspace: those of its own uid, those that carry its marker or were known before, without a uid of its own also those
 * that work in its folder, and
 * whatever descends from these or shares a session with them. Never this process, its ancestors and its session.
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
  // Processes of others can't carry the marker, and where every workspace has a uid, only root's keep it company.
  if (!entry.uids.includes(process.getuid?.() ?? -1)) return false
  if ((await readProc(entry.pid, 'environ'))?.split('\0').includes(marker) === true) return true
  return uid === undefined && (await worksIn(entry.pid, directory))
}

async function worksIn(pid: number, directory: string): Promise<boolean> {
  try {
    const path = await readlink(`/proc/${pid}/cwd`)
    return path === directory || path.startsWith(directory + sep)
  } catch {
    return false // gone, or none of ours
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
    return undefined // gone, or not to be read by us
  }
}
