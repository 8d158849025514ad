import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { verifies } from '@berth/requirements'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

interface Line {
  readonly level: number
  readonly msg: string
}

const WARN = 40
const LEFT = 'the client left before its request was answered'
const lines: Line[] = []
let server: TestServer
beforeAll(async () => {
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line) as Line) })
  server = await startTestServer({ logger })
})
afterAll(async () => await server.stop())

/** Asks for a WebSocket with headers of its own choice. Returns the first line of the answer. */
async function upgrade(path: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const sent = { Host: hostname, Connection: 'Upgrade', Upgrade: 'websocket', 'Coder-Session-Token': server.firstUser.token, ...headers }
  socket.write(
    `GET ${path} HTTP/1.1\r\n${Object.entries(sent)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  )
  const answer = await text(socket)
  return answer.split('\r\n')[0] ?? ''
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const derp = { 'Sec-WebSocket-Protocol': 'derp' }

test.each<[string, Record<string, string>]>([
  ['a version that nobody speaks', { ...derp, 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '12' }],
  ['no version', { ...derp, 'Sec-WebSocket-Key': KEY }],
  ['a key that is none', { ...derp, 'Sec-WebSocket-Key': 'short', 'Sec-WebSocket-Version': '13' }],
  ['no key', { ...derp, 'Sec-WebSocket-Version': '13' }],
])('an upgrade to the relay with %s is refused, and the log does not call it an error', async (_what, headers) => {
  verifies('derp:bad-upgrade')
  lines.length = 0
  expect(await upgrade('/derp', headers)).toMatch(/^HTTP\/1\.1 4\d\d /)
  expect(lines.filter(({ level }) => level >= WARN)).toEqual([])
  expect(lines.map(({ msg }) => msg)).toContain(LEFT)
})

test('a client that leaves in the middle of its body is no error, and is not taken for the database', async () => {
  verifies('derp:bad-upgrade')
  lines.length = 0
  const { hostname, port } = new URL(server.url)
  const start = 'POST /api/v2/users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"email"'
  // The reset only counts once the server has begun to read the body, so each attempt waits longer.
  for (let waitMs = 1; !lines.some(({ msg }) => msg === LEFT) && waitMs < 5_000; waitMs *= 2) {
    const socket = connect(Number(port), hostname)
    socket.write(start, () => setTimeout(() => socket.resetAndDestroy(), waitMs))
    await once(socket, 'close')
  }
  await eventually(async () => await Promise.resolve(lines.some(({ msg }) => msg === LEFT) || undefined))
  expect(lines.filter(({ level }) => level >= WARN)).toEqual([])
})

test('a client that leaves in the middle of an upgrade is no error either', async () => {
  verifies('derp:bad-upgrade')
  lines.length = 0
  const { hostname, port } = new URL(server.url)
  for (let count = 0; count < 20; count++) {
    const socket = connect(Number(port), hostname)
    socket.write(
      `GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: derp\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
    )
    await once(socket, 'connect')
    setTimeout(() => socket.resetAndDestroy(), count)
    await once(socket, 'close')
  }
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  expect(lines.filter(({ level }) => level >= WARN)).toEqual([])
})

test('a client that goes on sending after its upgrade was refused is disconnected', async () => {
  verifies('derp:bad-upgrade')
  const { hostname, port } = new URL(server.url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  socket.write(`GET /api/v2/users/me/watch HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nmore`)
  const errored = once(socket, 'error')
  socket.resume()
  await once(socket, 'end')
  const sending = setInterval(() => socket.write('more'), 5)
  // Only a server that has closed its socket answers with a reset.
  expect((await errored)[0]).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) })
  clearInterval(sending)
})
