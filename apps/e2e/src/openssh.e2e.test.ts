import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { eventually } from '@berth/server/testing'
import { runs } from '@berth/vitest/fuzz'
import { freePort, hasOpenSsh, readFrom, sftp, sha256, ssh, sshWith, startGreeter } from '@berth/vitest/openssh'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawn as spawnTerminal } from '@lydell/node-pty'
import { BERTH, FIRST_USER, createDeployment, type Deployment } from './deployment.ts'

/*
 * What `berth config-ssh` is for: plain programs of OpenSSH, and what builds on them, in a
 * workspace of a real server. Each test stands alone.
 */

const run = promisify(execFile)
const mib = 1024 * 1024
const data = randomBytes(16 * mib)

let deployment: Deployment
let door: Awaited<ReturnType<typeof openDoor>>
/** Where the client keeps its files. Its path has a blank, as some people's have. */
let home: string
/** The words that make the programs of OpenSSH read the configuration that Berth wrote. */
let config: string[]
/** The same, for sessions that share one connection. Opening one then costs little. */
let shared: string[]
let master: ChildProcess

beforeAll(async () => {
  deployment = await createDeployment()
  door = await openDoor(deployment.server.port)
  home = join(deployment.homeDirectory, 'with blank')
  await mkdir(home)
  const client = await deployment.signIn()
  const { session_token } = await client.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  await berth('login', `http://127.0.0.1:${door.port}`, '--token', session_token)
  await eventually(async () => (JSON.parse(await berth('templates', 'list', '-o', 'json')) as unknown[])[0])
  await berth('create', 'dev', '-t', 'local-starter', '-y')
  await berth('config-ssh', '-y')
  config = ['-F', join(home, '.ssh', 'config'), '-o', 'BatchMode=yes']
  const socket = join(deployment.homeDirectory, 'shared')
  shared = [...config, '-o', `ControlPath=${socket}`]
  master = spawn('ssh', [...shared, '-M', '-N', 'berth.dev'], { stdio: 'ignore' })
  await eventually(async () => (existsSync(socket) ? true : undefined))
})
afterAll(async () => {
  master.kill()
  await deployment.remove()
  door.close()
})

async function berth(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await deployment.berth(words, { environment: { HOME: home } })
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
  return stdout
}

describe.runIf(hasOpenSsh)('after berth config-ssh', () => {
  test('ssh runs a command, passes every byte both ways, and its exit code', async () => {
    verifies('berth:cli:config-ssh-openssh')
    expect((await ssh([...config, 'berth.dev', 'echo $CODER'])).stdout).toBe('true\n')
    await expect(ssh([...config, 'berth.dev.main', 'echo problem >&2; exit 7'])).rejects.toMatchObject({ code: 7, stderr: 'problem\n' })
    expect(sha256(await sshWith(data, [...config, 'berth.dev', 'cat']))).toBe(sha256(data))
  })

  test('scp, sftp and rsync copy files there and back', async () => {
    const path = join(home, 'data')
    const copied = data.subarray(0, 4 * mib)
    await writeFile(path, copied)
    await run('scp', [...config, path, 'berth.dev:by-scp'])
    await run('scp', [...shared, 'berth.dev:by-scp', join(home, 'from-scp')])
    expect((await sftp([...shared, 'berth.dev'], ['put data by-sftp', 'get by-sftp from-sftp'], home)).code).toBe(0)
    const remote = ['-e', shellWords(shared)]
    await run('rsync', [...remote, path, 'berth.dev:by-rsync'])
    await run('rsync', [...remote, 'berth.dev:by-rsync', join(home, 'from-rsync')])
    for (const name of ['from-scp', 'from-sftp', 'from-rsync']) expect(sha256(await readFile(join(home, name)))).toBe(sha256(copied))
  })

  test('git clones from the workspace and pushes to it', async () => {
    await ssh([...shared, 'berth.dev', 'git init -q --bare repository'])
    const environment = { ...process.env, HOME: home, GIT_SSH_COMMAND: shellWords(shared) }
    const git = async (...words: string[]) => await run('git', words, { cwd: join(home, 'clone'), env: environment })
    await run('git', ['clone', '-q', 'berth.dev:repository', join(home, 'clone')], { env: environment })
    await git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-q', '--allow-empty', '-m', 'From outside')
    await git('push', '-q', 'origin', 'HEAD:main')
    expect((await ssh([...shared, 'berth.dev', 'git -C repository log --format=%s main'])).stdout).toBe('From outside\n')
  })

  test('ssh forwards ports both ways, and as a SOCKS proxy', async () => {
    const greeter = await startGreeter('HTTP/1.0 200 OK\r\n\r\nhello')
    const [local, remote, socks] = [await freePort(), await freePort(), await freePort()]
    const forwards = ['-L', `${local}:127.0.0.1:${greeter.port}`, '-R', `${remote}:127.0.0.1:${greeter.port}`, '-D', String(socks)]
    const child = spawn('ssh', [...config, '-o', 'ExitOnForwardFailure=yes', ...forwards, 'berth.dev', 'echo up; cat'])
    await once(child.stdout, 'data')
    expect(await readFrom(local)).toContain('hello')
    expect((await ssh([...shared, 'berth.dev', `cat < /dev/tcp/127.0.0.1/${remote}`])).stdout).toContain('hello')
    const proxied = await run('curl', ['-s', '--socks5-hostname', `127.0.0.1:${socks}`, `http://127.0.0.1:${greeter.port}/`])
    expect(proxied.stdout).toBe('hello')
    child.stdin.end()
    await once(child, 'close')
    greeter.close()
  })

  test('ssh -A and berth ssh -A lend the agent of the client', async () => {
    const socket = join(home, 'agent.sock')
    const running = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    await expect.poll(() => existsSync(socket), { timeout: 10_000 }).toBe(true)
    const environment = { ...process.env, HOME: home, SSH_AUTH_SOCK: socket }
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a forwarded key', '-f', join(home, 'key')])
    await run('ssh-add', ['-q', join(home, 'key')], { env: environment })
    const plain = await run('ssh', [...config, '-A', 'berth.dev', 'ssh-add -l'], { env: environment })
    expect(plain.stdout).toContain('a forwarded key')
    const own = await deployment.berth(['ssh', '-A', 'dev', 'ssh-add', '-l'], { environment: { HOME: home, SSH_AUTH_SOCK: socket } })
    expect(own).toEqual({ exitCode: 0, stdout: plain.stdout, stderr: '' })
    running.kill()
    await once(running, 'close')
  })

  test('a signal ends a command: from inside, typed at a terminal, and by the end of the client', async () => {
    await expect(ssh([...config, 'berth.dev', 'kill -TERM $$'])).rejects.toMatchObject({ code: 255 })
    const typed = spawn('ssh', [...config, '-tt', 'berth.dev', 'trap "exit 9" INT; echo up; while :; do sleep 0.1; done'])
    await once(typed.stdout, 'data')
    typed.stdin.write('\u0003')
    expect(await once(typed, 'close')).toEqual([9, null])
    const command = 'trap "touch hung-up; exit" HUP; echo up; while :; do sleep 0.1; done'
    const left = spawn('ssh', [...config, 'berth.dev', command])
    await once(left.stdout, 'data')
    left.kill()
    await ssh([...shared, 'berth.dev', 'until [ -e hung-up ]; do sleep 0.05; done'])
  })

  test('many sessions at once each get their own output', async () => {
    verifies('berth:cli:many-sessions')
    const [connections, sessions] = [Math.min(100, runs(4)), Math.min(100, runs(16))]
    const numbers = Array.from({ length: connections + sessions }, (_, index) => `${index}\n`)
    const outputs = await Promise.all(
      numbers.map(async (number, index) => {
        const words = [...(index < connections ? config : shared), 'berth.dev', 'cat']
        return await sshWith(Buffer.from(number), words)
      }),
    )
    expect(outputs.map(String)).toEqual(numbers)
  })

  test('a lost connection is an error', async () => {
    verifies('berth:cli:lost-connection')
    const child = spawn('ssh', [...config, 'berth.dev', 'echo up; sleep 600'])
    const own = deployment.berth(['ssh', 'dev', 'touch waiting; sleep 600'], { environment: { HOME: home } })
    await once(child.stdout, 'data')
    await ssh([...shared, 'berth.dev', 'until [ -e waiting ]; do sleep 0.05; done'])
    const ended = once(child, 'close')
    door.slam()
    expect(await ended).toEqual([255, null])
    expect(await own).toEqual({ exitCode: 255, stdout: '', stderr: 'Lost the connection to dev.\n' })
  })
})

test('on a terminal, berth ssh offers to start a stopped workspace, and then is its shell', async () => {
  verifies('berth:cli:ssh-start', 'berth:cli:ssh-terminal')
  await berth('create', 'asleep', '-t', 'local-starter', '-y')
  await berth('stop', 'asleep', '-y')
  const command = `'${process.execPath}' '${BERTH}' ssh asleep; code=$?; stty -a; exit $code`
  const environment = { PATH: process.env['PATH'] ?? '', HOME: home, TERM: 'xterm' }
  const terminal = spawnTerminal('/bin/sh', ['-c', command], { env: environment, cols: 100, rows: 40 })
  let shown = ''
  terminal.onData((text) => (shown += text))
  const ended = new Promise<number>((resolve) => void terminal.onExit(({ exitCode }) => resolve(exitCode)))
  await eventually(async () => (shown.includes('is stopped. Start it?') ? true : undefined))
  terminal.write('\r')
  await eventually(async () => (shown.includes('asleep:~$') ? true : undefined))
  terminal.write('stty size; exit 3\r')
  expect(await ended).toBe(3)
  expect(shown).toContain('Starting workspace')
  expect(shown).toContain('40 100\r\n')
  // Afterwards the terminal is as it was.
  expect(shown).toMatch(/\sopost [\S\s]*\sicanon .* echo /)
})

/** Writes the words of ssh for programs that split them as a shell does. */
function shellWords(words: readonly string[]): string {
  return ['ssh', ...words].map((word) => `'${word}'`).join(' ')
}

/** Opens a port that leads to the server, so that connections to it can be broken. */
async function openDoor(target: number): Promise<{ readonly port: number; slam(): void; close(): void }> {
  const open = new Set<Socket>()
  const slam = (): void => {
    for (const socket of open) socket.destroy()
  }
  const server = createServer((socket) => {
    const far = connect(target, '127.0.0.1')
    for (const [end, other] of [
      [socket, far],
      [far, socket],
    ] as const) {
      open.add(end)
      end.pipe(other)
      end.on('error', () => other.destroy())
      end.once('close', () => {
        open.delete(end)
        other.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    slam,
    close() {
      server.close()
      slam()
    },
  }
}
