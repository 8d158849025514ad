import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'
import { runProgram } from './run-program.ts'

/** The setting that carries the pid of the Berth process a PostgreSQL server belongs to; it can be read from the command line. */
export const SUPERVISOR_SETTING = 'berth.supervisor'

/** What `postmaster.pid` says of the server that wrote it. */
export interface PostmasterFile {
  readonly pid: number
  readonly socketDirectory: string
}

interface RunningProcess {
  readonly parentPid: number
  readonly args: string
}

const POLL_INTERVAL_MS = 10

/** Reads the lines of `postmaster.pid`: pid, data directory, start time, port, socket directory, … */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, socketDirectory: lines[4] ?? '' } : undefined
}

/** Reads a cluster's `postmaster.pid`; undefined where there is none. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  return parsePostmasterFile(text)
}

/**
 * Sees to it that no server runs on the cluster. One whose Berth was killed is shut down: it is not our child, so its death would go unnoticed
 * and its settings are those of another start. Shutting down and starting costs a few tenths of a second.
 *
 * @returns the socket folder the leftover server had.
 * @throws {@link EmbeddedPostgresError} where the server belongs to somebody who is still there.
 */
export async function endLeftoverPostmaster(cluster: string, logger: Logger): Promise<string | undefined> {
  const file = await readPostmasterFile(cluster)
  if (file === undefined) return undefined
  const found = await inspectProcess(file.pid)
  if (found !== undefined && isPostmasterOf(found, cluster)) {
    const supervisor = supervisorOf(found)
    if (supervisor === undefined || supervisor === found.parentPid) throw inUse(cluster, supervisor ?? file.pid)
    logger.warn({ pid: file.pid }, 'shutting down the database server that a killed Berth left behind')
    await shutDown(file.pid, cluster)
    return file.socketDirectory
  }
  if (await accepts(join(file.socketDirectory, '.s.PGSQL.5432'))) throw inUse(cluster, undefined)
  await disown(cluster, file.pid)
  return file.socketDirectory
}

function inUse(cluster: string, pid: number | undefined): EmbeddedPostgresError {
  const holder = pid === undefined ? 'a process that is not visible from here (in another container?)' : `process ${pid}`
  return new EmbeddedPostgresError(
    `The database in ${cluster} is in use by another Berth server: ${holder}. Stop that one, or give this one a data directory of its own with BERTH_DATA_DIR.`,
  )
}

async function shutDown(pid: number, cluster: string): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', 30_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return // process.kill throws system errors only
      throw new EmbeddedPostgresError(
        `A database server (process ${pid}) was left behind on ${cluster} and belongs to another user. Stop it with kill -INT ${pid}.`,
      )
    }
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      const found = await inspectProcess(pid)
      if (found === undefined || !isPostmasterOf(found, cluster)) return
      await sleep(POLL_INTERVAL_MS)
    }
  }
  throw new EmbeddedPostgresError(`The database server left behind on ${cluster} (process ${pid}) does not end. Restart the machine.`)
}

/**
 * PostgreSQL refuses to start while the pid in `postmaster.pid` exists, though it may be a zombie, or another program's by now (after a reboot, say).
 * The pid of its parent never counts as such. The rest of the file stays, because by it PostgreSQL finds orphans of the dead server.
 */
async function disown(cluster: string, pid: number): Promise<void> {
  const file = await open(join(cluster, 'postmaster.pid'), constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined)
  if (file === undefined) return // gone meanwhile, and with it the reason
  try {
    const text = await file.readFile('utf8')
    if (parsePostmasterFile(text)?.pid !== pid) return // another start was faster; what it made is a new file, so no write of ours can hit it
    await file.truncate(0)
    await file.write(text.replace(/^\d+/, String(process.pid)), 0)
  } finally {
    await file.close()
  }
}

function isPostmasterOf(found: RunningProcess, cluster: string): boolean {
  return ` ${found.args} `.includes(` -D ${cluster} `)
}

function supervisorOf(found: RunningProcess): number | undefined {
  const pid = new RegExp(`${SUPERVISOR_SETTING}=(\\d+)`).exec(found.args)?.[1]
  return pid === undefined ? undefined : Number(pid)
}

/** Parent and command line of a process that is not a zombie. */
async function inspectProcess(pid: number): Promise<RunningProcess | undefined> {
  if (process.platform === 'linux') {
    try {
      const status = await readFile(`/proc/${pid}/stat`, 'utf8')
      const [state, parentPid] = status.slice(status.lastIndexOf(')') + 2).split(' ') // the name before it may hold anything
      if (state === 'Z' || state === 'X') return undefined
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').join(' ').trim()
      return { parentPid: Number(parentPid), args }
    } catch {
      return undefined
    }
  }
  const { code, output } = await runProgram('/bin/ps', ['-ww', '-o', 'ppid=,args=', '-p', String(pid)], { user: undefined })
  const match = /^\s*(\d+)\s+(.*)$/m.exec(output)
  return code === 0 && match !== null ? { parentPid: Number(match[1]), args: match[2] ?? '' } : undefined
}

async function accepts(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ path: socketPath })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
