import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ProvisionError } from '../../../../driver.ts'
import { coverInherited } from './inherited-descriptors.ts'
import { forEachProcess } from './process-files.ts'
import { isRunning, readStat, type ProcessInfo } from './processes.ts'

export interface EndOptions {
  /** Finds the processes that are still running. Looks at every process of the machine. */
  readonly find: () => Promise<ProcessInfo[]>
  /** How long processes may take to end gracefully. Default: {@link defaultGraceMs}. */
  readonly graceMs?: number
  /** How long processes are killed before giving up. Default: {@link defaultGiveUpMs}. */
  readonly giveUpMs?: number
  /** The uid that only these processes have, if there is one. */
  readonly uid?: number
}

const defaultGraceMs = 3_000
const defaultGiveUpMs = 10_000
const pollIntervalMs = 20
/** How long killed processes may take to disappear before they are killed again. */
const killRoundMs = 1_000
const uidSignalTimeoutMs = 1_000
const maxNamedPids = 20

/**
 * Asks processes to end and kills those that don't, until none is left. Returns how many there
 * were. Throws `ProvisionError` for processes that can't be killed.
 */
export async function endProcesses({ find, graceMs = defaultGraceMs, giveUpMs = defaultGiveUpMs, uid }: EndOptions): Promise<number> {
  let left = await find()
  const count = left.length
  if (count === 0) return 0
  const graceEndsAt = performance.now() + graceMs
  // A stopped process handles SIGTERM only after it is continued.
  if (graceMs > 0) await signalAll(left, ['SIGTERM', 'SIGCONT'], uid)
  let findMs = 0
  const findAgain = async (): Promise<ProcessInfo[]> => {
    const startedAt = performance.now()
    const found = await find()
    findMs = performance.now() - startedAt
    return found
  }
  while (left.length > 0 && performance.now() < graceEndsAt) {
    // Processes may replace themselves, so every search is followed by a pause of the same length.
    await waitForEnd(left, { pauseMs: findMs, deadline: graceEndsAt })
    if (performance.now() < graceEndsAt) left = await findAgain()
  }
  const giveUpAt = performance.now() + giveUpMs
  while (left.length > 0 && performance.now() < giveUpAt) {
    await killAll(left, uid)
    await waitForEnd(left, { pauseMs: 0, deadline: Math.min(giveUpAt, performance.now() + killRoundMs) })
    left = await findAgain()
  }
  if (left.length === 0) return count
  throw new ProvisionError(`can't kill processes of the workspace: ${namePids(left)}; kill them and try again`)
}

function namePids(processes: readonly ProcessInfo[]): string {
  const named = processes.slice(0, maxNamedPids).map(({ pid }) => pid)
  const more = processes.length - named.length
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** Waits until processes have ended. Looks at only one of them each time, until that one ends. */
async function waitForEnd(
  processes: readonly ProcessInfo[],
  { pauseMs, deadline }: { readonly pauseMs: number; readonly deadline: number },
): Promise<void> {
  const left = [...processes]
  let waitMs = Math.max(pauseMs, pollIntervalMs)
  while (left.length > 0 && performance.now() < deadline) {
    await delay(Math.max(0, Math.min(waitMs, deadline - performance.now())))
    waitMs = pollIntervalMs
    for (let last = left.at(-1); last !== undefined && !(await isRunning(last)); last = left.at(-1)) left.pop()
  }
}

/**
 * Kills processes in as few steps as possible, because some fork faster than they can be killed one
 * by one: the first process of a pid namespace takes the whole namespace with it.
 */
async function killAll(processes: readonly ProcessInfo[], uid: number | undefined): Promise<void> {
  const inits = processes.filter((entry) => isInNamespace(entry) && entry.namespacePids.at(-1) === 1)
  await signalAll(inits, ['SIGKILL'])
  const outside = inits.length === 0 ? processes : processes.filter((entry) => !isInNamespace(entry))
  await signalAll(outside, ['SIGKILL'], uid)
}

function isInNamespace({ namespacePids }: ProcessInfo): boolean {
  return namespacePids.length > 1
}

/** Signals processes: all of the uid in one step, the others by their process groups. */
async function signalAll(processes: readonly ProcessInfo[], signals: readonly NodeJS.Signals[], uid?: number): Promise<void> {
  const isUidSignaled = uid !== undefined && (await signalUid(uid, signals))
  const rest = isUidSignaled ? processes.filter(({ uids: [real, , saved] }) => real !== uid && saved !== uid) : processes
  const signaled = new Set<number>()
  await forEachProcess(rest, async ({ pid, startedAt, groupId }) => {
    if (signaled.has(-groupId)) return
    const current = await readStat(pid)
    if (current?.startedAt !== startedAt) return // another process may have this pid by now
    // A group is part of a session, whose processes all belong to the workspace.
    const target = current.sessionId > 1 && current.groupId > 1 ? -current.groupId : pid
    if (signaled.has(target)) return
    signaled.add(target)
    for (const signal of signals) send(target, signal)
  })
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch (error) {
    // EPERM: processes that can't be killed are reported at the end.
    if (!(error instanceof Error) || !('code' in error) || (error.code !== 'ESRCH' && error.code !== 'EPERM')) throw error
  }
}

/**
 * Signals all processes of a uid in one step. Returns false if that didn't work: the uid can't have
 * another process, or one of its processes ended or stopped the sender.
 */
async function signalUid(uid: number, signals: readonly NodeJS.Signals[]): Promise<boolean> {
  const stdio = await coverInherited(['ignore', 'ignore', 'ignore'])
  const script = signals.map((signal) => `kill -${signal.slice('SIG'.length)} -1`).join('; ')
  return await new Promise<boolean>((resolve) => {
    const sender = spawn('/bin/sh', ['-c', script], {
      uid,
      gid: uid,
      env: {},
      cwd: '/',
      stdio,
      timeout: uidSignalTimeoutMs,
      killSignal: 'SIGKILL',
    })
    sender.once('error', () => resolve(false))
    sender.once('close', (code) => resolve(code !== null))
  })
}
