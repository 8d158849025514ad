/**
 * The programs of OpenSSH, as tests use them.
 * @module
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Whether the programs are installed. */
export const hasOpenSsh = ['/usr/bin/ssh', '/usr/bin/scp', '/usr/bin/sftp'].every((program) => existsSync(program))

/** Runs ssh until it ends. Rejects if it fails. */
export async function ssh(words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return await run('ssh', words, { maxBuffer: 1e8 })
}

/** Runs ssh with this standard input until it ends. Returns its standard output. */
export async function sshWith(input: Buffer, words: readonly string[]): Promise<Buffer> {
  const child = spawn('ssh', words, { stdio: ['pipe', 'pipe', 'ignore'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin.end(input)
  await once(child, 'close')
  return Buffer.concat(chunks)
}

/** Runs sftp with a batch of commands on its standard input. */
export async function sftp(
  words: readonly string[],
  commands: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawn('sftp', ['-b', '-', ...words], { cwd, stdio: 'pipe' })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stdin.end(`${commands.join('\n')}\n`)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** Returns a short text that differs if any of the bytes does. */
export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Returns a port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Returns everything that a port sends, empty if nothing listens there. */
export async function readFrom(port: number): Promise<string> {
  const { stdout } = await run('bash', ['-c', `cat < /dev/tcp/127.0.0.1/${port}`]).catch(() => ({ stdout: '' }))
  return stdout
}

/** Starts a server that sends one text to each connection. */
export async function startGreeter(text: string): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket) => socket.end(text)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
}
