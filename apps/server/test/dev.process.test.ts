import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, utimes } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'

const root = join(import.meta.dirname, '../../..')

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-dev-'))
  await chmod(directory, 0o711) // as root the database runs under another user, who has to pass through
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // of a TCP server
  server.close()
  return port
}

test('a change of a source starts the server again, beside the same database and without its noise', { timeout: 60_000 }, async () => {
  verifies('berth:dev:restart')
  const port = await freePort()
  const data = join(directory, 'data')
  const tsx = join(root, 'node_modules/tsx/dist/loader.mjs')
  const flags = ['--conditions=@berth/source', '--import', tsx, join(root, 'apps/server/scripts/dev.ts')]
  const dev = spawn(process.execPath, flags, {
    env: { PATH: process.env['PATH'], HOME: directory, BERTH_DATA_DIR: data, BERTH_HTTP_ADDRESS: `127.0.0.1:${port}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [dev.stdout, dev.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const starts = () => said.split('is up at').length - 1
  const postmaster = async () => await readFile(join(data, 'postgres-18/postmaster.pid'), 'utf8')
  try {
    await eventually(async () => await Promise.resolve(starts() === 1 || undefined), { timeoutMs: 30_000 })
    const before = await postmaster()
    for (const [index, path] of ['apps/server/src/version.ts', 'packages/schema/src/failures.ts'].entries()) {
      // The event is that of a change, and the file stays as it is.
      const { atime, mtime } = await stat(join(root, path))
      await utimes(join(root, path), atime, mtime)
      await eventually(async () => await Promise.resolve(starts() === index + 2 || undefined), { timeoutMs: 20_000 })
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    }
    expect(await postmaster()).toBe(before)
    expect(said).not.toMatch(/postgres"|FATAL|WARN|ERROR|"level":[456]0/)
  } finally {
    dev.kill('SIGTERM')
    await once(dev, 'exit')
  }
  expect(said).not.toMatch(/FATAL|"level":[456]0/)
  await expect(postmaster()).rejects.toThrow('ENOENT')
})
