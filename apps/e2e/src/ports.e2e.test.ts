import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import { routes } from '@berth/schema/routes'
import type { Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { FIRST_USER, createDeployment, type Deployment } from './deployment.ts'

/*
 * Ports, round trips and terminals of a workspace that really runs, through the built server, with
 * the built CLI as a process. The workspace shares the network of the machine, so this test can
 * stand in for the programs that listen in it.
 */

const BERTH = fileURLToPath(new URL('../../cli/bin/berth.js', import.meta.url))

let deployment: Deployment
let client: Client
let token: string
beforeAll(async () => {
  deployment = await createDeployment()
  client = await deployment.signIn()
  const { session_token } = await client.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  token = session_token
  expect(await deployment.berth(['login', deployment.server.url, '--token', token])).toMatchObject({ exitCode: 0 })
  const created = await deployment.berth(['create', 'dev', '-t', 'local-starter', '-y'])
  expect(created, created.stderr).toMatchObject({ exitCode: 0 })
}, 90_000)
afterAll(async () => await deployment.remove())

/** `berth port-forward` as a process. */
class PortForward {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  output = ''

  constructor(words: readonly string[]) {
    const environment = { PATH: process.env['PATH'], HOME: deployment.homeDirectory, LANG: 'C.UTF-8' }
    this.child = spawn(process.execPath, [BERTH, 'port-forward', 'dev', ...words], { env: environment, stdio: 'pipe' })
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    this.ended = once(this.child, 'close').then(([code]) => code as number | null)
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  async says(text: string): Promise<void> {
    await eventually(async () => await Promise.resolve(this.output.includes(text) || undefined), { timeoutMs: 30_000 })
  }

  /** Returns the local ports that lead to a port of the workspace. */
  localPort(network: 'tcp' | 'udp', remotePort: number): number {
    return Number(new RegExp(`${network} \\S+:(\\d+) to port ${remotePort} `).exec(this.output)?.[1])
  }
}

/** Starts a program that sends back what it gets. */
async function startTcpEcho(): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function startUdpEcho(): Promise<number> {
  const socket = createSocket('udp4', (bytes, { port, address }) => socket.send(bytes, port, address))
  onTestFinished(() => void socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket.address().port
}

/** Sends bytes to a port and returns all that comes back. */
async function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(bytes)
  return await buffer(socket)
}

/** Sends a datagram until an answer comes back, and returns it. */
async function exchangeDatagram(port: number, text: string): Promise<string> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  const answer = once(socket, 'message') as Promise<[Buffer]>
  let answered = false
  void answer.then(() => (answered = true))
  await eventually(async () => {
    socket.send(text, port, '127.0.0.1')
    return await Promise.resolve(answered || undefined)
  })
  return String((await answer)[0])
}

test('several TCP and UDP ports are forwarded at once, byte for byte, until Ctrl-C', async () => {
  verifies('berth:cli:port-forward')
  const [tcp, tcp2, udp] = [await startTcpEcho(), await startTcpEcho(), await startUdpEcho()]
  const forward = new PortForward(['-p', `0:${tcp},127.0.0.1:0:${tcp2}`, '--udp', `0:${udp}`])
  await forward.says('Ready!')
  const bytes = randomBytes(3_000_000)
  const [first, second] = await Promise.all([tcp, tcp2].map(async (port) => await exchange(forward.localPort('tcp', port), bytes)))
  expect([first?.equals(bytes), second?.equals(bytes)]).toEqual([true, true])
  const local = forward.localPort('udp', udp)
  expect(await Promise.all(['one', 'two'].map(async (text) => await exchangeDatagram(local, text)))).toEqual(['one', 'two'])
  forward.child.kill('SIGINT')
  expect(await forward.ended).toBe(0)
  await expect(exchange(forward.localPort('tcp', tcp), Buffer.from('x'))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a local port that is in use is named, and nothing is forwarded', async () => {
  verifies('berth:cli:port-forward-occupied')
  const taken = await startTcpEcho()
  const { exitCode, stdout, stderr } = await deployment.berth(['port-forward', 'dev', '--tcp', `0:1,${taken}`])
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(stderr).toContain(`Another program uses the local TCP port ${taken} of 127.0.0.1.`)
})

test('without a port it says what listens in the workspace', async () => {
  verifies('berth:cli:port-forward-list')
  const none = await deployment.berth(['port-forward', 'dev'])
  expect(none, none.stderr).toMatchObject({ exitCode: 0, stdout: '' })
  expect(none.stderr).toContain('No program listens on a port of dev.')
  // The parent of a command is the agent, which runs with Node.js.
  const program = `require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const running = spawn(process.execPath, [BERTH, 'ssh', 'dev', '--', `exec $(readlink /proc/$PPID/exe) -e "${program}"`], {
    env: { PATH: process.env['PATH'], HOME: deployment.homeDirectory },
    stdio: 'pipe',
  })
  onTestFinished(() => void running.kill('SIGKILL'))
  const port = String((await once(running.stdout, 'data'))[0]).trim()
  const listed = await eventually(async () => {
    const { stdout, stderr } = await deployment.berth(['port-forward', 'dev'])
    return stdout.includes(port) ? { stdout, stderr } : undefined
  })
  expect(listed.stdout).toMatch(new RegExp(`^PORT +NETWORK +PROCESS\n(?:.*\n)*${port} +tcp +\\S+`))
  expect(listed.stderr).toContain('berth port-forward dev --tcp ')
})

test('a connection that is refused in the workspace is reset, and said', async () => {
  const forward = new PortForward(['-p', '0:1'])
  await forward.says('Ready!')
  await expect(exchange(forward.localPort('tcp', 1), Buffer.from('x'))).rejects.toMatchObject({ code: 'ECONNRESET' })
  await forward.says('Port 1 of the workspace cannot be reached: nothing listens there.')
})

test('the same local ports lead to the workspace again after it and the server were started again', async () => {
  verifies('berth:cli:port-forward-reconnects')
  const port = await startTcpEcho()
  const forward = new PortForward(['-p', `0:${port}`])
  await forward.says('Ready!')
  const local = forward.localPort('tcp', port)
  await deployment.server.kill()
  const waiting = exchange(local, Buffer.from('made while the server was away'))
  await forward.says('Lost the connection to dev.')
  await deployment.restart()
  expect(String(await waiting)).toBe('made while the server was away')
  const restarted = await deployment.berth(['restart', 'dev', '-y'])
  expect(restarted, restarted.stderr).toMatchObject({ exitCode: 0 })
  expect(String(await exchange(local, Buffer.from('to the next agent')))).toBe('to the next agent')
}, 60_000)

test('berth ping measures round trips and says which way they take', async () => {
  verifies('berth:cli:ping')
  const { exitCode, stdout, stderr } = await deployment.berth(['ping', 'dev', '-c', '3', '-i', '10ms'])
  expect(exitCode, stderr).toBe(0)
  expect(stdout).toContain(`dev: agent main, v`)
  expect(stdout).toContain(`through ${deployment.server.url}`)
  expect(stdout).toMatch(/^3: \d+\.\d+ ms, of which \d+\.\d+ ms to the server$/m)
  expect(stdout).toMatch(/^3 pings sent, 0 lost\nTO +MIN +AVG +P50 +MAX\nagent +\d.*\nserver +\d/m)
  const json = JSON.parse((await deployment.berth(['ping', 'dev', '-c', '2', '-i', '1ms', '-o', 'json'])).stdout) as object
  expect(json).toMatchObject({ workspace: 'dev', agent: 'main', through: deployment.server.url, sent: 2, lost: 0 })
})

test('berth speedtest measures both directions, or one, within its limits', async () => {
  verifies('berth:cli:speedtest')
  const { exitCode, stdout, stderr } = await deployment.berth(['speedtest', 'dev', '--size', '2MiB'])
  expect(exitCode, stderr).toBe(0)
  expect(stdout).toMatch(/^DIRECTION +SECONDS +TRANSFER +THROUGHPUT\n/)
  expect(stdout).toMatch(/^up, total +0\.00-\d+\.\d\d +2\.00 MiB +\d+\.\d Mbit\/s$/m)
  expect(stdout).toMatch(/^down, total +0\.00-\d+\.\d\d +2\.00 MiB +\d+\.\d Mbit\/s$/m)
  const timed = JSON.parse((await deployment.berth(['speedtest', 'dev', '-r', '-t', '50ms', '-o', 'json'])).stdout) as object
  expect(timed).toMatchObject({ results: [{ direction: 'down', total: { from_ms: 0, bytes: expect.any(Number) as number } }] })
})

test('a web terminal that floods its viewer leaves the echo of another one working', async () => {
  verifies('berth:agent:terminal-flood')
  const { latest_build } = await client.workspaces.getByOwnerAndName({ params: { user: 'me', workspacename: 'dev' } })
  const agent = latest_build.resources.flatMap(({ agents }) => agents ?? [])[0]?.id ?? ''
  const open = async (command: string): Promise<WebSocket> => {
    const path = routes.agents.pty.path.replace(':workspaceagent', agent)
    const query = new URLSearchParams({ reconnect: randomUUID(), command })
    const url = `${deployment.server.url.replace(/^http/, 'ws')}/api/v2${path}?${query.toString()}`
    const socket = new WebSocket(url, { headers: { 'Coder-Session-Token': token } })
    onTestFinished(() => socket.close())
    await once(socket, 'open')
    return socket
  }
  let flooded = 0
  const flood = await open('yes flooding the terminal')
  flood.on('message', (data: Buffer) => (flooded += data.length))
  let seen = ''
  const other = await open('stty -echo; echo ready; cat')
  other.on('message', (data: Buffer) => (seen += data.toString()))
  const sees = async (text: string): Promise<void> => {
    while (!seen.includes(text)) await once(other, 'message')
  }
  await sees('ready')
  const delays: number[] = []
  for (let count = 0; count < 20; count += 1) {
    const before = flooded
    other.send(Buffer.from(JSON.stringify({ data: `key-${count}.\n` })))
    await sees(`key-${count}.`)
    delays.push(flooded - before)
  }
  expect(flooded).toBeGreaterThan(0)
  // Bytes instead of a clock: an echo comes after no more of the flood than may be on its way.
  expect(Math.max(...delays)).toBeLessThan(8 * 1024 * 1024)
})
