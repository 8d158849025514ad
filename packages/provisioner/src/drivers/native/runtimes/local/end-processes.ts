import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ProvisionError } from '../../../../driver.ts'
import { readProcess, type ProcessInfo } from './processes.ts'

/** How the processes of a workspace are ended. */
export interface EndOptions {
  /** Finds those that are left. */
  readonly find: () => Promise<ProcessInfo[]>
  /** How long they may take to end by themselves. Default 3 000. */
  readonly graceMs?: number
  /** How long to go on killing before giving up. Default 10 000. */
  readonly giveUpMs?: number
  /** A uid that belongs to them alone. */
  readonly uid?: number
}

const pollMs = 20

/**
 * Asks processes to end, kills those that don't, and goes on until none is left. Throws `ProvisionError` for processes that can't be
 * killed.
 */
export async function endProcesses({ find, graceMs = 3_000, giveUpMs = 10_000, uid }: EndOptions): Promise<void> {
  let left = await find()
  // A stopped process hears of its end only once it goes on.
  for (const signal of ['SIGTERM', 'SIGCONT'] as const) for (const entry of left) await send(entry, signal)
  for (let waitedMs = 0; left.length > 0 && waitedMs < graceMs; waitedMs += pollMs) {
    await delay(pollMs)
    left = await find()
  }
  for (let waitedMs = 0; left.length > 0 && waitedMs < giveUpMs; waitedMs += pollMs) {
    for (const entry of left) await send(entry, 'SIGKILL')
    if (uid !== undefined) await killAllOf(uid)
    await delay(pollMs)
    left = await find()
  }
  if (left.length === 0) return
  throw new ProvisionError(`processes of the workspace can't be ended: ${left.map(({ pid }) => pid).join(', ')}; end them and try again`)
}

async function send({ pid, startedAt }: ProcessInfo, signal: NodeJS.Signals): Promise<void> {
  // The number may have passed to another process since.
  if ((await readProcess(pid))?.startedAt !== startedAt) return
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ESRCH') throw error
  }
}

/** Kills every process of a uid in one step, which those that multiply faster than they can be counted don't survive. */
async function killAllOf(uid: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const killer = spawn('/bin/sh', ['-c', 'kill -KILL -1'], { uid, gid: uid, env: {}, cwd: '/', stdio: 'ignore' })
    killer.once('error', () => resolve()) // no room for another process of this uid; the one-by-one round goes on
    killer.once('close', () => resolve())
  })
}
