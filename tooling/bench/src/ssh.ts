import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { figureLine, print, reportLine, timeEach } from './percentiles.ts'
import { withServer } from './with-server.ts'

const BERTH = fileURLToPath(new URL('../../../apps/cli/bin/berth.js', import.meta.url))
const MEBIBYTE = 1024 * 1024
const TRANSFER_MIB = 1024
const SESSIONS = 100
const COMMANDS = 20

const run = promisify(execFile)

/** Measures what OpenSSH and rsync do after `berth config-ssh`, through `berth ssh --stdio`. */
export async function ssh(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'berth-bench-ssh-'))
  try {
    await withServer(async ({ server, ownerToken }) => {
      const environment = { ...process.env, HOME: home }
      const berth = async (...words: string[]) => await run(process.execPath, [BERTH, ...words], { env: environment })
      await berth('login', server.url, '--token', ownerToken)
      await berth('create', 'dev', '-t', 'local-starter', '-y')
      await berth('config-ssh', '-y')
      await measure(home, ['-F', join(home, '.ssh', 'config')])
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

async function measure(home: string, config: readonly string[]): Promise<void> {
  const command = async () => await run('ssh', [...config, 'berth.dev', 'true'])
  print(reportLine('ssh berth.dev true', await timeEach(COMMANDS, command)))
  const parallel = async () => await Promise.all(Array.from({ length: SESSIONS }, command))
  print(reportLine(`${SESSIONS} of them at once, each with its own connection`, await timeEach(1, parallel)))

  const path = join(home, 'data')
  await pipeline(randomMiB(TRANSFER_MIB), createWriteStream(path))
  const expected = await digestOf(path)
  const shell = `ssh ${config.join(' ')}`
  const back = join(home, 'back')
  const transfers: Readonly<Record<string, () => Promise<unknown>>> = {
    'sftp, up': async () => await sftp(config, `put ${path} data`),
    'sftp, down': async () => await sftp(config, `get data ${back}`),
    'rsync, up': async () => await run('rsync', ['-W', '-e', shell, path, 'berth.dev:by-rsync']),
    'rsync, down': async () => await run('rsync', ['-W', '-e', shell, 'berth.dev:by-rsync', back]),
  }
  for (const [name, transfer] of Object.entries(transfers)) {
    await rm(back, { force: true })
    const [ms = Number.NaN] = await timeEach(1, transfer)
    if (name.endsWith('down') && (await digestOf(back)) !== expected) throw new Error(`${name}: the file that came back differs`)
    print(figureLine(`${TRANSFER_MIB} MiB by ${name}`, { value: TRANSFER_MIB / (ms / 1000), unit: 'MiB/s' }))
  }
}

async function sftp(config: readonly string[], command: string): Promise<void> {
  const child = spawn('sftp', [...config, '-b', '-', 'berth.dev'], { stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin.end(`${command}\n`)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`sftp ended with ${String(code)}`)
}

/** Yields bytes that don't compress, and differ from one MiB to the next. */
function* randomMiB(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield randomBytes(MEBIBYTE)
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
