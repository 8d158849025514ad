import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import type { TunnelStream } from '@berth/tunnel'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from './eventually.ts'
import { connectAgent, connectClient, createAgent, statusBecomes, type AgentPlace } from './fake-agent.ts'
import { startServerProcess, type ServerProcess } from './server-process.ts'
import { startAnotherServer, type AnotherServer } from './start-another-server.ts'
import { TEST_SECRET_KEY, startTestServer, type TestServer } from './start-test-server.ts'

const AGENT = fileURLToPath(new URL('../../agent/dist/main.js', import.meta.url))

let first: TestServer
let second: AnotherServer
let victim: ServerProcess
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-killed-'))
  first = await startTestServer()
  ;[second, victim] = await Promise.all([
    startAnotherServer(first),
    startServerProcess({
      dataDirectory: join(directory, 'data'),
      settings: {
        BERTH_PG_CONNECTION_URL: first.databaseUrl,
        BERTH_SECRET_KEY: TEST_SECRET_KEY.toString('base64'),
        BERTH_PROVISIONER_DAEMONS: '0',
      },
    }),
  ])
})
afterAll(async () => {
  await victim.kill()
  await second.stop()
  await first.stop()
  await rm(directory, { recursive: true, force: true })
})

/** Forwards connections to the first of several servers that takes them, as a balancer does. */
async function startBalancer(urls: readonly string[]): Promise<string> {
  const forward = (from: Socket, [url, ...rest]: readonly string[]): void => {
    if (url === undefined) return void from.destroy()
    const to = connect(Number(new URL(url).port), '127.0.0.1')
    to.once('connect', () => void from.pipe(to).pipe(from))
    to.once('error', () => (to.bytesRead > 0 ? from.destroy() : forward(from, rest)))
    to.once('close', (hadError) => !hadError && from.destroy())
    from.on('error', () => to.destroy())
    from.once('close', () => to.destroy())
    return undefined
  }
  return await listenWith((socket) => forward(socket, urls))
}

async function listenWith(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // of a TCP server
}

/** Starts the real agent as a process. */
function startAgent(url: string, { token }: AgentPlace): void {
  const child = spawn(process.execPath, [AGENT], {
    env: { PATH: process.env['PATH'], HOME: directory, BERTH_AGENT_URL: url, BERTH_AGENT_TOKEN: token },
    stdio: 'ignore',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
}

async function dialAt(server: { readonly url: string }, { id }: AgentPlace, target: string): Promise<TunnelStream> {
  const client = await connectClient(server, { agentId: id, token: first.firstUser.token })
  onTestFinished(() => client.close())
  return await client.dial(target)
}

/** Keeps a stream busy, whose other end sends everything back. Returns the bytes that came. */
function load(stream: TunnelStream): { readonly echoed: () => number } {
  let echoed = 0
  stream.on('data', (chunk: Buffer) => {
    echoed += chunk.length
    stream.write(chunk)
  })
  stream.write(Buffer.alloc(16 * 1024))
  return { echoed: () => echoed }
}

const closedOf = async (stream: TunnelStream): Promise<unknown> => await new Promise((resolve) => stream.once('close', resolve))

test('when a replica is killed under load, its agent is back through another one, and streams between the others go on', async () => {
  verifies('replicas:dial:dead', 'replicas:killed')
  const port = new URL(await listenWith((socket) => void socket.pipe(socket))).port
  const [moving, staying] = [await createAgent(first), await createAgent(first)]
  startAgent(await startBalancer([victim.url, first.url]), moving)
  const fake = await connectAgent(second, staying.token, ({ accept }) => {
    const stream = accept()
    stream.pipe(stream)
  })
  onTestFinished(async () => await fake.close())
  for (const place of [moving, staying]) await statusBecomes(place, 'connected')

  const survivor = await dialAt(first, staying, 'ssh')
  const survives = load(survivor)
  const lost = [
    await dialAt(second, moving, `ports/${port}`),
    await dialAt(victim, moving, `ports/${port}`),
    await dialAt(victim, staying, 'ssh'),
  ]
  const loads = lost.map((stream) => load(stream))
  await eventually(async () => loads.every(({ echoed }) => echoed() > 256_000) || undefined)

  const ends = lost.map(async (stream) => await closedOf(stream))
  await victim.kill()
  await Promise.all(ends)
  const back = await eventually(async () => await dialAt(second, moving, `ports/${port}`).catch(() => undefined))
  back.end('back')
  expect(await text(back)).toBe('back')

  const before = survives.echoed()
  await eventually(async () => survives.echoed() > before + 256_000 || undefined)
  expect(survivor.destroyed).toBe(false)
})
