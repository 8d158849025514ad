/**
 * Runs the server from its sources and starts it again whenever they change. The database keeps
 * running, and the next server loads its modules while the previous one stops.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { homedir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../src/database/embedded/start-embedded-postgres.ts'
import { readMachineConfig } from '../src/settings/machine-config.ts'

/** What the server is made of. */
const sources = ['../src', '../../../packages/schema/src', '../../../packages/tunnel/src', '../../../packages/provisioner'].map(here)
const isSource = /\.(ts|sql|yaml|md|sh)$/
const isElsewhere = /(^|\/)(node_modules|dist|test)\/|\.test(-d)?\.ts$/

/** Editors write several files at once. */
const settleMs = 50
/** A server that takes longer to stop is killed; it is made to survive that. */
const stopPatienceMs = 1_000

const words = process.argv.slice(2)
const postgres = await startPostgres().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})

let server = prepare()
/** Settles when every earlier server has ended and its port is free. */
let stopped: Promise<unknown> = Promise.resolve()
let changes = 0
let isEnding = false
start(server)
for (const folder of sources) watch(folder, { recursive: true }, (_event, name) => void restart(name ?? ''))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(signal))

/** Starts the embedded database unless a setting names another. Its log shows errors only. */
async function startPostgres(): Promise<EmbeddedPostgres | undefined> {
  const { pgConnectionUrl, dataDirectory } = await readMachineConfig({
    arguments: words,
    environment: process.env,
    userId: process.getuid?.(),
    homeDirectory: homedir(),
    agentDirectory: here('../../agent/dist/'),
  })
  if (pgConnectionUrl !== undefined) return undefined
  return await startEmbeddedPostgres({ dataDirectory, logger: pino({ level: 'error' }, pino.destination(2)) })
}

/** Forks a server that loads its modules and waits for a message before it starts. */
function prepare(): ChildProcess {
  const environment = { ...process.env, ...(postgres && { BERTH_PG_CONNECTION_URL: postgres.url }) }
  return fork(here('./dev-server.ts'), words, { env: environment })
}

async function restart(path: string): Promise<void> {
  if (!isSource.test(path) || isElsewhere.test(path)) return
  changes += 1
  const change = changes
  await sleep(settleMs)
  if (change !== changes || isEnding) return
  process.stdout.write(`\n${path} changed; starting again.\n`)
  stopped = Promise.all([stopped, stop(server, 'SIGTERM')])
  const next = prepare()
  server = next
  await stopped
  if (server === next) start(next)
}

function start(child: ChildProcess): void {
  // A server whose modules can't be loaded has said so and ended.
  child.send('start', () => {})
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs)
  await ended
  clearTimeout(timer)
}

async function end(signal: NodeJS.Signals): Promise<void> {
  if (isEnding) return
  isEnding = true
  await stop(server, signal)
  await postgres?.stop()
  process.exit(0)
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
