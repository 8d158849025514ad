import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const BOOT_PATIENCE_MS = 60_000

export interface ServerProcessOptions {
  readonly dataDirectory: string
  /** Default: one that is free. */
  readonly port?: number
  /** Address of this machine to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** A command that becomes the one it is given, such as `unshare --mount`. Default: none. */
  readonly through?: readonly string[]
  /** Environment variables on top of those that a server needs. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The built server as a process, as people run it. */
export interface ServerProcess {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** From spawn to the first healthy answer. */
  readonly bootMs: number
  /** What it has printed so far. */
  output(): string
  /** Ends it the hard way: nothing of it gets a chance to say goodbye. */
  kill(): Promise<void>
  /** Ends it as Ctrl-C does. Resolves with its exit code. */
  stop(): Promise<number | null>
}

/** Starts the built server with its own data below `dataDirectory`, and waits for its health. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { dataDirectory, port, host = '127.0.0.1', through = [], settings = {} } = options
  const listenPort = port ?? (await freePort(host))
  const url = `http://${host}:${listenPort}`
  const startedAt = performance.now()
  const [program, ...words] = [...through, process.execPath, MAIN]
  const child = spawn(program, words, {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      BERTH_DATA_DIR: dataDirectory,
      // The settings file of whoever runs it is not its own.
      BERTH_CONFIG_DIR: dataDirectory,
      BERTH_HTTP_ADDRESS: `${host}:${listenPort}`,
      BERTH_API_RATE_LIMIT: '-1',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await healthy({ url, child, output: () => output })
  const bootMs = performance.now() - startedAt
  return {
    url,
    port: listenPort,
    pid: child.pid ?? 0,
    bootMs,
    output: () => output,
    kill: async () => void (await end(child, 'SIGKILL')),
    stop: async () => await end(child, 'SIGTERM'),
  }
}

async function healthy({ url, child, output }: { url: string; child: ChildProcess; output: () => string }): Promise<void> {
  const deadline = performance.now() + BOOT_PATIENCE_MS
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${output()}`)
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    if (answer?.ok === true) return
    await sleep(5)
  }
  child.kill('SIGKILL')
  throw new Error(`the server did not become healthy: ${output()}`)
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill(signal)
  return await ended
}

async function freePort(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo // of a TCP server
  await new Promise((resolve) => server.close(resolve))
  return port
}
