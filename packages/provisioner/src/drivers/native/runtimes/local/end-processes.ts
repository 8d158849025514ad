import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ProvisionError } from '../../../../driver.ts'
import { readProcess, type ProcessInfo } from './processes.ts'

export interface EndOptions {
  /** Finds the processes that are still running. */
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

/**
 * Asks processes to end and kills those that don't, until none is left. Throws `ProvisionError` for
 * processes that can't be killed.
 */
export async function endProcesses({ find, graceMs = defaultGraceMs, giveUpMs = defaultGiveUpMs, uid }: EndOptions): Promise<void> {
  let left = await find()
  // A stopped process handles SIGTERM only after it is continued.
  for (const signal of ['SIGTERM', 'SIGCONT'] as const) for (const entry of left) await send(entry, signal)
  for (let waitedMs = 0; left.length > 0 && waitedMs < graceMs; waitedMs += pollIntervalMs) {
    await delay(pollIntervalMs)
    left = await find()
  }
  for (let waitedMs = 0; left.length > 0 && waitedMs < giveUpMs; waitedMs += pollIntervalMs) {
    for (const entry of left) await send(entry, 'SIGKILL')
    if (uid !== undefined) await killAllOf(uid)
    await delay(pollIntervalMs)
    left = await find()
  }
  if (left.length === 0) return
  throw new ProvisionError(`can't kill processes of the workspace: ${left.map(({ pid }) => pid).join(', ')}; kill them and try again`)
}

async function send({ pid, startedAt }: ProcessInfo, signal: NodeJS.Signals): Promise<void> {
  // Another process may have this pid by now.
  if ((await readProcess(pid))?.startedAt !== startedAt) return
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ESRCH') throw error
  }
}

/**
 * Kills all processes of a uid in one step, because some fork faster than they can be killed one by
 * one.
 */
async function killAllOf(uid: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const killer = spawn('/bin/sh', ['-c', 'kill -KILL -1'], { uid, gid: uid, env: {}, cwd: '/', stdio: 'ignore' })
    killer.once('error', () => resolve()) // this uid can't have another process; they are still killed one by one
    killer.once('close', () => resolve())
  })
}
