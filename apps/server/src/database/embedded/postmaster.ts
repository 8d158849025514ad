import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Logger } from 'pino'
import { DEATH_SIGNAL, type PostgresBinaries } from './binaries.ts'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'
import { PROGRAM_ENVIRONMENT, runAs } from './run-program.ts'
import { settingArguments, type EmbeddedSettings } from './settings.ts'
import type { SystemUser } from './system-user.ts'

/** A PostgreSQL server process that accepts connections. */
export interface Postmaster {
  readonly pid: number
  /** Settles when the process has ended for whatever reason, with a few words on how. */
  readonly ended: Promise<string>
  /**
   * Stops it and rolls back open transactions: first politely, by force when that takes too long.
   */
  stop(): Promise<void>
}

/** The server ended before it accepted connections. `log` holds its last lines. */
export class PostmasterStartError extends EmbeddedPostgresError {
  readonly log: string

  constructor(log: string) {
    super(`The embedded PostgreSQL didn't start: ${log || 'it gave no reason.'}`)
    this.log = log
  }

  /**
   * Whether the cause passes by itself: orphans of a killed server that haven't ended, or a lock
   * file that is being written.
   */
  get isTransient(): boolean {
    return /pre-existing shared memory block|lock file .* already exists|lock file .* is empty/.test(this.log)
  }
}

const MAX_LOG_LINE_CHARACTERS = 2_000
const LAST_LINES = 4

/**
 * How long a fast stop and then an immediate stop (which makes the next start recover) may take
 * before the next step. The last step is a kill.
 */
const STOP_PATIENCE_MS = [15_000, 5_000] as const

/**
 * Starts a server on a cluster and waits until it accepts connections, however long crash recovery
 * takes.
 */
export async function startPostmaster(options: {
  binaries: PostgresBinaries
  cluster: string
  settings: EmbeddedSettings
  user: SystemUser | undefined
  signal: AbortSignal
  logger: Logger
}): Promise<Postmaster> {
  const { binaries, cluster, settings, user, signal, logger } = options
  const own = ['-D', cluster, ...settingArguments(settings)]
  const file = binaries.setpriv ?? binaries.postgres
  const args = binaries.setpriv === undefined ? own : [...DEATH_SIGNAL, binaries.postgres, ...own]
  // In a session of its own, so that Ctrl-C reaches Berth alone, which stops the server after its
  // last transaction.
  const child = spawn(file, args, {
    env: PROGRAM_ENVIRONMENT,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    ...runAs(user),
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, killedBy) => resolve(killedBy === null ? `exit code ${code}` : `signal ${killedBy}`))
  })
  const stop = () => stopChild(child, ended)
  const onAbort = () => void stop()
  signal.addEventListener('abort', onAbort)
  try {
    await waitUntilReady(child, logger)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  return { pid: child.pid ?? 0, ended, stop }
}

async function waitUntilReady(child: ChildProcess, logger: Logger): Promise<void> {
  const lastLines: string[] = []
  await new Promise<void>((resolve, reject) => {
    if (child.stderr === null)
      return reject(new EmbeddedPostgresError("The embedded PostgreSQL couldn't be started: its log can't be read."))
    const lines = createInterface({ input: child.stderr })
    lines.on('line', (line) => {
      logLine(line, logger)
      if (line.includes('database system is ready to accept connections')) resolve()
      lastLines.push(line)
      if (lastLines.length > LAST_LINES) lastLines.shift()
    })
    child.once('error', (error) => reject(new PostmasterStartError(error.message)))
    // By the close event, unlike the exit event, its last lines have been read.
    child.once('close', (code, signal) =>
      reject(new PostmasterStartError(lastLines.join(' ') || `it ended with ${signal ?? `exit code ${code}`}.`)),
    )
  })
}

function logLine(line: string, logger: Logger): void {
  const text = line.slice(0, MAX_LOG_LINE_CHARACTERS)
  if (/^(FATAL|WARNING|ERROR):/.test(text)) logger.warn({ source: 'postgres' }, text)
  else if (text.startsWith('PANIC:')) logger.error({ source: 'postgres' }, text)
  else logger.debug({ source: 'postgres' }, text)
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGINT')
  const timers = [
    setTimeout(() => child.kill('SIGQUIT'), STOP_PATIENCE_MS[0]),
    setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS[0] + STOP_PATIENCE_MS[1]),
  ]
  await ended
  for (const timer of timers) clearTimeout(timer)
}
