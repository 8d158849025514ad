import { spawn, type ChildProcess } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../apps/server/dist/main.js', import.meta.url))
const BOOT_PATIENCE_MS = 60_000

/** The built server as a process, as people run it. */
export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** From spawn to the first healthy answer. */
  readonly bootMs: number
  stop(): Promise<void>
}

export async function startServerProcess(dataDirectory: string, settings: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const startedAt = performance.now()
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      BERTH_DATA_DIR: dataDirectory,
      BERTH_HTTP_ADDRESS: `127.0.0.1:${port}`,
      BERTH_API_RATE_LIMIT: '-1',
      BERTH_LOG_LEVEL: 'warn',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await healthy(url, child)
  return { url, pid: child.pid ?? 0, bootMs: performance.now() - startedAt, stop: async () => await stop(child) }
}

async function healthy(url: string, child: ChildProcess): Promise<void> {
  const end = performance.now() + BOOT_PATIENCE_MS
  while (performance.now() < end) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    if (answer?.ok === true) return
    await sleep(5)
  }
  throw new Error('the server did not become healthy')
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Memory of a process and all below it, each shared page divided by those who share it, in MiB. Linux only. */
export async function residentMiB(pid: number): Promise<number> {
  const pids = await withDescendants(pid)
  const sizes = await Promise.all(pids.map(async (id) => await proportionalKiB(id)))
  return sizes.reduce((sum, size) => sum + size, 0) / 1024
}

async function proportionalKiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
}

async function withDescendants(root: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && pid > 1 && isBelow(parents.get(pid) ?? 0))
  return [...parents.keys()].filter(isBelow)
}
