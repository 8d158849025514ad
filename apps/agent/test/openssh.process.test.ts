import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { freePort, hasOpenSsh, readFrom, sftp as runSftp, sha256, ssh as runSsh, sshWith, startGreeter } from '@berth/vitest/openssh'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAgentProcess, type AgentProcess } from './agent-process.ts'
import { buildAgent } from './build-agent.ts'
import { relayToTarget } from './tcp-relay.ts'

const run = promisify(execFile)

let build: Awaited<ReturnType<typeof buildAgent>>
let agent: AgentProcess
let relay: { port: number; close: () => void }
let folder: string
let options: string[]

beforeAll(async () => {
  build = await buildAgent()
  agent = await startAgentProcess({ entry: build.entry })
  relay = await relayToTarget(() => agent.server.tunnel(), 'ssh')
  folder = await mkdtemp(join(tmpdir(), 'berth-openssh-'))
  const settings = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes', `Port=${relay.port}`]
  options = ['-F', '/dev/null', ...settings.flatMap((setting) => ['-o', setting])]
})

afterAll(async () => {
  relay.close()
  await agent.cleanUp()
  await build.remove()
  await rm(folder, { recursive: true, force: true })
})

const host = 'anybody@127.0.0.1'
const ssh = (...args: string[]): Promise<{ stdout: string; stderr: string }> => runSsh([...options, ...args])
/** Runs sftp with a batch of commands on stdin. */
const sftp = (commands: string[]): Promise<{ code: number | null; output: string }> => runSftp([...options, host], commands, folder)

describe.runIf(hasOpenSsh)('OpenSSH', () => {
  test('ssh passes output and exit codes', async () => {
    expect((await ssh(host, 'echo $HOME')).stdout.trim()).toBe(agent.home)
    await expect(ssh(host, 'echo problem >&2; exit 7')).rejects.toMatchObject({ code: 7, stderr: 'problem\n' })
  })

  test('ssh -tt gives a terminal', async () => {
    expect((await ssh('-tt', host, 'tty; stty size')).stdout).toMatch(/\/dev\/pts\/\d+\r\n\d+ \d+/)
  })

  test('ssh carries 20 MiB through stdin and stdout', async () => {
    const data = randomBytes(20 * 1024 * 1024)
    expect(sha256(await sshWith(data, [...options, host, 'cat']))).toBe(sha256(data))
  })

  test('scp copies eight files at the same time there and back unchanged', async () => {
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const data = randomBytes(2_000_000 + index * 333_333)
        const path = join(folder, `up-${index}`)
        await writeFile(path, data)
        await run('scp', [...options, '-p', path, `${host}:copy-${index}`])
        expect(sha256(await readFile(join(agent.home, `copy-${index}`)))).toBe(sha256(data))
        await run('scp', [...options, `${host}:copy-${index}`, join(folder, `down-${index}`)])
        expect(sha256(await readFile(join(folder, `down-${index}`)))).toBe(sha256(data))
      }),
    )
  })

  test('scp -r copies a tree with its modes and times', async () => {
    await mkdir(join(folder, 'tree', 'deep'), { recursive: true })
    await writeFile(join(folder, 'tree', 'run.sh'), 'echo hi\n', { mode: 0o750 })
    await writeFile(join(folder, 'tree', 'deep', 'empty'), '')
    await run('touch', ['-d', '2020-02-02T02:02:02Z', join(folder, 'tree', 'run.sh')])
    await run('scp', [...options, '-rp', join(folder, 'tree'), `${host}:`])
    const copied = await stat(join(agent.home, 'tree', 'run.sh'))
    expect(copied.mode & 0o777).toBe(0o750)
    expect(copied.mtime.toISOString()).toBe('2020-02-02T02:02:02.000Z')
    expect(await readdir(join(agent.home, 'tree', 'deep'))).toEqual(['empty'])
  })

  test('sftp works on files, folders and links', async () => {
    verifies('berth:agent:sftp')
    await writeFile(join(folder, 'note.txt'), 'a note')
    const { code, output } = await sftp([
      'mkdir box',
      'put note.txt box/note.txt',
      'rename box/note.txt box/renamed.txt',
      'chmod 600 box/renamed.txt',
      'symlink renamed.txt box/link',
      'get box/link fetched.txt',
      'ls -l box',
      'pwd',
      'cd box',
      'pwd',
      'rm link',
    ])
    expect(output).toMatch(/-rw------- .* renamed\.txt/)
    expect(output).toMatch(/lrwxrwxrwx .* link/)
    expect(output).toContain(`Remote working directory: ${join(agent.home, 'box')}`)
    expect(code).toBe(0)
    expect(await readFile(join(folder, 'fetched.txt'), 'utf8')).toBe('a note')
    expect(await readdir(join(agent.home, 'box'))).toEqual(['renamed.txt'])
    expect((await sftp(['rm box/renamed.txt', 'rmdir box'])).code).toBe(0)
    expect(existsSync(join(agent.home, 'box'))).toBe(false)
  })

  test('sftp reads a link with a relative target as it is', async () => {
    expect((await sftp(['symlink ../somewhere odd-link'])).code).toBe(0)
    expect(await readlink(join(agent.home, 'odd-link'))).toBe('../somewhere')
  })

  test('sftp lists a folder of 1 000 files whole', async () => {
    await ssh(host, 'mkdir many && cd many && for i in $(seq 1000); do : > file-$i; done')
    const { output } = await sftp(['ls -1 many'])
    expect(output.split('\n').filter((line) => line.includes('file-'))).toHaveLength(1_000)
  })

  test.each([
    ['get no-such-file', /not found/i],
    ['rmdir no-such-folder', /No such file/i],
    ['mkdir /proc/not-here', /No such file|denied|failure/i],
  ])('sftp says what is wrong with "%s"', async (command, text) => {
    const { code, output } = await sftp([command])
    expect(code).not.toBe(0)
    expect(output).toMatch(text)
  })

  test('ssh -L reaches a server of the workspace', async () => {
    verifies('berth:agent:forwarding')
    const server = await startGreeter('from the workspace')
    const free = await freePort()
    const child = spawn('ssh', [...options, '-N', '-L', `${free}:127.0.0.1:${server.port}`, host])
    await expect.poll(() => readFrom(free), { timeout: 10_000 }).toBe('from the workspace')
    child.kill()
    await once(child, 'close')
    server.close()
  })

  test('ssh -R lets the workspace reach a server of the client', async () => {
    const server = await startGreeter('from the client')
    const free = await freePort()
    const forward = `${free}:127.0.0.1:${server.port}`
    const { stdout } = await ssh('-o', 'ExitOnForwardFailure=yes', '-R', forward, host, `cat < /dev/tcp/127.0.0.1/${free}`)
    expect(stdout).toBe('from the client')
    server.close()
  })

  test('ssh -A lets the workspace use the SSH agent of the client, which nobody else reaches', async () => {
    verifies('berth:agent:agent-forwarding')
    const socket = join(folder, 'agent.sock')
    const running = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    await expect.poll(() => existsSync(socket), { timeout: 10_000 }).toBe(true)
    const environment = { ...process.env, SSH_AUTH_SOCK: socket }
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a forwarded key', '-f', join(folder, 'key')])
    await run('ssh-add', ['-q', join(folder, 'key')], { env: environment })
    const command = 'ssh-add -l & ssh-add -l; wait; stat -c %a $(dirname $SSH_AUTH_SOCK); echo $SSH_AUTH_SOCK'
    const { stdout } = await run('ssh', [...options, '-A', host, command], { env: environment })
    const [first, second, mode, path = ''] = stdout.split('\n')
    expect(first).toContain('a forwarded key')
    expect(second).toBe(first)
    expect(mode).toBe('700')
    await expect.poll(() => existsSync(dirname(path)), { timeout: 10_000 }).toBe(false)
    const without = await run('ssh', [...options, '-a', host, 'echo "[$SSH_AUTH_SOCK]"'], { env: environment })
    expect(without.stdout).toBe('[]\n')
    running.kill()
    await once(running, 'close')
  })
})
