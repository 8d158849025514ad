import { spawn } from 'node:child_process'
import { mkdir, open, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf, type Logger } from './logger.ts'
import type { ProcessSessions } from './process-sessions.ts'
import type { Workspace } from './workspace.ts'

/** The log is truncated when it grows beyond this. */
const maxLogBytes = 10 * 1024 * 1024
const logCheckMs = 30_000

/**
 * Runs the template's startup script in the user's shell, with its output in
 * `~/.berth/startup-script.log`. The script writes to the file itself, so that processes it leaves
 * running can keep writing after the agent ends. Resolves with its exit code; undefined when a
 * signal ended it or it couldn't run.
 */
export async function runStartupScript(options: {
  script: string
  workspace: Workspace
  sessions: ProcessSessions
  logger: Logger
}): Promise<number | undefined> {
  const { script, workspace, sessions, logger } = options
  const log = await openLog(workspace.account.home, logger)
  const output = log ? log.fd : 'ignore'
  const file = await writeScript(workspace.account.home, script)
  const launch = workspace.launch(undefined)
  const child = spawn(launch.file, [file ?? '-s'], {
    cwd: launch.cwd,
    env: launch.environment,
    detached: true,
    stdio: [file === undefined ? 'pipe' : 'ignore', output, output],
  })
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(script)
  const { pid } = child
  if (pid !== undefined) sessions.add(pid)
  const startedAt = performance.now()
  const watch = setInterval(() => void trim(log), logCheckMs)
  watch.unref()
  const code = await new Promise<number | undefined>((resolve) => {
    child.once('error', (error) => {
      logger.error('The startup script could not be started', { reason: reasonOf(error), shell: launch.file })
      resolve(undefined)
    })
    child.once('exit', (exitCode, signal) => {
      const durationMs = Math.round(performance.now() - startedAt)
      const ended = { exit_code: exitCode ?? undefined, signal: signal ?? undefined, duration_ms: durationMs }
      if (exitCode === 0) logger.info('The startup script finished', ended)
      else logger.warn('The startup script failed', ended)
      resolve(exitCode ?? undefined)
    })
  })
  clearInterval(watch)
  if (pid !== undefined) sessions.ended(pid)
  if (file !== undefined) await rm(file, { force: true })
  await trim(log)
  await log?.close()
  return code
}

/**
 * Writes the script to a file that only the user can read: everyone on the machine sees the
 * arguments of a process. Returns undefined if it can't be written; the script then goes to the
 * shell's standard input.
 */
async function writeScript(home: string, script: string): Promise<string | undefined> {
  const path = join(home, '.berth', 'startup-script')
  try {
    await rm(path, { force: true })
    await writeFile(path, script, { mode: 0o600, flag: 'wx' })
    return path
  } catch {
    return undefined
  }
}

async function openLog(home: string, logger: Logger): Promise<FileHandle | undefined> {
  try {
    const directory = join(home, '.berth')
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const log = await open(join(directory, 'startup-script.log'), 'a', 0o600)
    await trim(log)
    return log
  } catch (error) {
    logger.warn('The log of the startup script cannot be written', { reason: reasonOf(error) })
    return undefined
  }
}

async function trim(log: FileHandle | undefined): Promise<void> {
  try {
    if (log && (await log.stat()).size > maxLogBytes) await log.truncate(0)
  } catch {
    // The script matters more than its log.
  }
}
