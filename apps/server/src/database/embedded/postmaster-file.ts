import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'
import { runProgram } from './run-program.ts'

/**
 * The setting with the pid of the Berth process that a PostgreSQL server belongs to. It is visible
 * on the command line.
 */
export const SUPERVISOR_SETTING = 'berth.supervisor'

/** The part of `postmaster.pid` that describes the server that wrote it. */
export interface PostmasterFile {
  readonly pid: number
  readonly socketDirectory: string
}

interface RunningProcess {
  readonly parentPid: number
  readonly args: string
}

const POLL_INTERVAL_MS = 10

/** How long a leftover server may take to stop after each signal before the next one. */
const LEFTOVER_STOP_PATIENCE_MS = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const

/**
 * Parses the lines of `postmaster.pid`: pid, data directory, start time, port, socket directory,
 * and so on.
 */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, socketDirectory: lines[4] ?? '' } : undefined
}

/** Reads a cluster's `postmaster.pid`; undefined when there is none. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  return parsePostmasterFile(text)
}

/**
 * Makes sure that no server runs on the cluster. Shuts down a server whose Berth was killed: it
 * isn't our child, so we wouldn't notice its death, and it has the settings of another start.
 * Shutting down and starting takes a few tenths of a second.
 *
 * @returns the socket folder of the leftover server.
 * @throws {@link EmbeddedPostgresError} when the server belongs to a running Berth.
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
  const holder = pid === undefined ? "a process that isn't visible from here, perhaps in another container" : `process ${pid}`
  return new EmbeddedPostgresError(
    `The database in ${cluster} is in use by another Berth server: ${holder}. Stop that server, or set BERTH_DATA_DIR to another directory for this one.`,
  )
}

async function shutDown(pid: number, cluster: string): Promise<void> {
  for (const [signal, patienceMs] of LEFTOVER_STOP_PATIENCE_MS) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return // process.kill throws system errors only
      throw new EmbeddedPostgresError(
        `A leftover database server (process ${pid}) on ${cluster} belongs to another user. Stop it with kill -INT ${pid}.`,
      )
    }
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      const found = await inspectProcess(pid)
      if (found === undefined || !isPostmasterOf(found, cluster)) return
      await sleep(POLL_INTERVAL_MS)
    }
  }
  throw new EmbeddedPostgresError(`The leftover database server on ${cluster} (process ${pid}) doesn't stop. Restart the machine.`)
}

/**
 * Writes our pid over a dead server's pid in `postmaster.pid`. PostgreSQL refuses to start while
 * that pid exists, even as a zombie or, after a reboot, as another program; its parent's pid never
 * counts. The rest of the file stays, because PostgreSQL finds the dead server's orphans by it.
 */
async function disown(cluster: string, pid: number): Promise<void> {
  const file = await open(join(cluster, 'postmaster.pid'), constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined)
  if (file === undefined) return // already gone
  try {
    const text = await file.readFile('utf8')
    if (parsePostmasterFile(text)?.pid !== pid) return // another start was faster; its file is a new one that this can't hit
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

/** Returns the parent and the command line of a process; undefined for none and for a zombie. */
async function inspectProcess(pid: number): Promise<RunningProcess | undefined> {
  if (process.platform === 'linux') {
    try {
      const status = await readFile(`/proc/${pid}/stat`, 'utf8')
      const [state, parentPid] = status.slice(status.lastIndexOf(')') + 2).split(' ') // the process name before it may contain anything
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
