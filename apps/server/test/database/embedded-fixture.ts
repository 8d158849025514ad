import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { pino, type Logger } from 'pino'
import { onTestFinished } from 'vitest'
import { findPostgresPackage, readPostgresPackage, type PostgresPackage } from '../../src/database/embedded/binaries.ts'
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../src/database/embedded/start-embedded-postgres.ts'

export const silent: Logger = pino({ level: 'silent' })

export const isRoot = process.getuid?.() === 0

/** A folder that is removed after the test, and that the user PostgreSQL runs under can pass. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-embedded-'))
  await chmod(directory, 0o711)
  onTestFinished(async () => await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
  return directory
}

/** Starts a server that is stopped after the test. */
export async function start(dataDirectory: string, options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDirectory, logger: silent, isDurable: false, ...options })
  onTestFinished(async () => await postgres.stop())
  return postgres
}

/** The value of an expression, over a connection of its own. */
export async function evaluate(url: string, expression: string): Promise<unknown> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {}) // the query fails with it
  await client.connect()
  try {
    return (await client.query<{ value: unknown }>(`select ${expression} as value`)).rows[0]?.value
  } finally {
    await client.end()
  }
}

/** How to start one. */
export interface OtherProcessOptions {
  /** Which user it drops to. */
  readonly uid?: number
  readonly packageDirectory?: string
  /** Its server outlives it, as on a system without setpriv. */
  readonly withoutDeathSignal?: boolean
}

/** A Berth of its own: a process that runs an embedded server until it is killed. */
export interface OtherProcess {
  readonly child: ChildProcess
  readonly pid: number
  readonly postgres: { pid: number; url: string }
}

/** Starts another process with an embedded server, under `uid` if given. */
export async function startElsewhere(dataDirectory: string, more: OtherProcessOptions = {}): Promise<OtherProcess> {
  const child = spawnElsewhere(dataDirectory, more)
  if (child.stdout === null || child.pid === undefined) throw new Error('The other process could not be started')
  for await (const line of createInterface({ input: child.stdout })) {
    const postgres = JSON.parse(line) as OtherProcess['postgres'] | { error: string } // written by run-embedded.ts
    if ('error' in postgres) throw new Error(postgres.error)
    onTestFinished(async () => {
      await kill(child)
      await until(() => !isAlive(postgres.pid) || more.withoutDeathSignal === true, 'the server of the killed process has ended')
    })
    return { child, pid: child.pid, postgres }
  }
  throw new Error('The other process ended before its server was up')
}

/** The same without waiting for its server. */
export function spawnElsewhere(dataDirectory: string, more: OtherProcessOptions = {}): ChildProcess {
  const script = fileURLToPath(new URL('./run-embedded.ts', import.meta.url))
  const argument = JSON.stringify({ dataDirectory, ...more })
  const child = spawn(process.execPath, ['--conditions=@berth/source', '--import', import.meta.resolve('tsx'), script, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => await kill(child))
  return child
}

/** kill -9, and waits until it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Waits until a condition holds, looking often. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It did not happen within 20 s that ${what}`)
    await sleep(10)
  }
}

/** Whether a process runs; one that has ended and waits for its parent to notice does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Copies the installed package without the links that its install script makes. */
export async function copyPackage(directory: string): Promise<PostgresPackage> {
  const installed = await findPostgresPackage(process.platform, process.arch)
  await cp(installed.directory, directory, { recursive: true, filter: (path) => !path.endsWith('.a'), verbatimSymlinks: true })
  const libraries = join(directory, 'native/lib')
  for (const entry of await readdir(libraries, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(libraries, entry.name))
  }
  return await readPostgresPackage(directory)
}
