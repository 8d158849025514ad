import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runs } from '@berth/vitest/fuzz'
import { verifies } from '@berth/requirements'
import * as fc from 'fast-check'
import nacl from 'tweetnacl'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { clientInfo, frame as derpFrame, overHttp } from './derp-client.ts'
import { eventually } from './eventually.ts'
import { connectAgent, createAgent, openSocket, opened, type AgentPlace } from './fake-agent.ts'
import { END_HEADERS, END_STREAM, FRAME_TYPE, PREFACE, RawFrameReader, rawFrame, rawHeaders, rawSettings } from './raw-http2.ts'
import { startServerProcess, type ServerProcess } from './server-process.ts'
import { startTestServer, TEST_SECRET_KEY, type TestServer } from './start-test-server.ts'

/*
 * Attacks the built server as a process, with the tokens of a member and of an agent. Each round
 * makes several attacks at once. `pnpm fuzz` makes more rounds; a failure prints its seed.
 */

/** Two errors that nobody catches, on a signal. */
const BUG = `process.on('SIGUSR2', () => { Promise.reject(new Error('lost')); setImmediate(() => { throw new Error('thrown') }) })`
const NOBODY = 'nobody caught an error'

let first: TestServer
let place: AgentPlace
let directory: string
let attacked: ServerProcess
beforeAll(async () => {
  first = await startTestServer()
  place = await createAgent(first)
  directory = await mkdtemp(join(tmpdir(), 'berth-hostile-'))
  attacked = await startServerProcess({
    dataDirectory: directory,
    settings: {
      BERTH_PG_CONNECTION_URL: first.databaseUrl,
      BERTH_SECRET_KEY: TEST_SECRET_KEY.toString('base64'),
      BERTH_AGENT_CONNECTION_UPDATE_FREQUENCY: '150ms',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(BUG)}`,
    },
  })
})
afterAll(async () => {
  const code = await attacked.stop()
  await first.stop()
  await rm(directory, { recursive: true, force: true })
  // Nothing that is left of an attack holds up a stop.
  expect(code).toBe(0)
})

/** Begins to attack. Returns how to end it: everything was sent by then. */
type Attack = () => Promise<() => void>

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))

const http2Frame = fc
  .record({
    type: fc.nat(15),
    flags: fc.nat(255),
    streamId: fc.constantFrom(0, 1, 2, 3, 5, 0x7fff_ffff, 0xffff_ffff),
    payload: fc.uint8Array({ maxLength: 200 }),
  })
  .map(rawFrame)
const word = fc.string({ maxLength: 30 })
const status = fc.oneof(fc.integer({ min: -1, max: 1100 }).map(String), word)
const headers = fc.array(fc.oneof(fc.tuple(fc.constant(':status'), status), fc.tuple(word, word)), { maxLength: 8 })
const http2Bytes = fc.array(fc.oneof(http2Frame, bytes), { maxLength: 6 })

/** An agent that answers whatever is dialled with headers and frames of its own. */
const agentTunnel: fc.Arbitrary<Attack> = fc
  .record({ headers, flags: fc.constantFrom(END_HEADERS, END_HEADERS | END_STREAM), pieces: http2Bytes })
  .map((answer) => async () => {
    const socket = openSocket(attacked, '/workspaceagents/me/tunnel', place.token)
    const reader = new RawFrameReader(PREFACE.length)
    socket.on('message', (chunk: Buffer) => {
      for (const { type, streamId } of reader.read(chunk)) {
        if (type !== FRAME_TYPE.headers) continue
        const fields = answer.headers.filter((pair) => pair.every((text) => Buffer.byteLength(text) <= 126))
        socket.send(rawHeaders(streamId, fields, answer.flags))
        for (const piece of answer.pieces) socket.send(piece)
      }
    })
    await openedOrRefused(socket)
    if (socket.readyState === socket.OPEN) socket.send(rawSettings)
    const ends = await Promise.all([
      dialTerminal([]),
      clientFrames([Buffer.concat([PREFACE, rawSettings]), dial(1, '/ssh'), dial(3, '/port/80')]),
    ])
    await listeningPorts()
    return () => {
      for (const end of ends) end()
      socket.terminate()
    }
  })

/** A client that sends frames of its own into its tunnel. */
const clientTunnel: fc.Arbitrary<Attack> = fc.record({ path: word, pieces: http2Bytes }).map(
  ({ path, pieces }) =>
    async () =>
      await clientFrames([PREFACE, rawSettings, dial(1, '/ssh'), dial(3, path), ...pieces]),
)

/** A person who sends messages of their own to a terminal whose agent repeats them. */
const terminalMessage = fc.oneof(
  bytes,
  fc.record({ data: fc.anything(), height: fc.anything(), width: fc.anything() }, { requiredKeys: [] }).map(asJson),
  fc.json().map((json) => Buffer.from(json)),
)
const terminal: fc.Arbitrary<Attack> = fc.array(terminalMessage, { maxLength: 6 }).map((messages) => async () => {
  const agent = await connectAgent(attacked, place.token, ({ accept }) => {
    const stream = accept()
    stream.pipe(stream)
  }).catch(() => undefined)
  const end = await dialTerminal(messages)
  return () => {
    end()
    agent?.socket.terminate()
  }
})

/** Frames of a WebSocket with wrong opcodes, masks, lengths and reserved bits, on every socket. */
const webSocketFrame = fc
  .record({
    first: fc.nat(255),
    isMasked: fc.boolean(),
    length: fc.oneof(fc.nat(127), fc.constantFrom(0xffff, 0x10_0000, 0x7fff_ffff)),
    payload: bytes,
  })
  .map(({ first: firstByte, isMasked, length, payload }) => {
    const mask = isMasked ? 0x80 : 0
    const stated = length < 126 ? Buffer.from([mask | length]) : Buffer.from([mask | 127, 0, 0, 0, 0, ...uint32(length)])
    return Buffer.concat([Buffer.from([firstByte]), stated, isMasked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0), payload])
  })
const socketPaths = (): readonly string[] => [
  `/api/v2/workspaceagents/${place.id}/pty?reconnect=${randomUUID()}`,
  `/api/v2/workspaceagents/${place.id}/tunnel`,
  `/api/v2/workspaceagents/${place.id}/coordinate`,
  '/api/v2/workspaceagents/me/tunnel',
  '/api/v2/workspaceagents/me/coordinate',
  '/api/v2/workspaceagents/me/report-stats',
  `/api/v2/workspacebuilds/${place.workspace.latest_build.id}/logs?follow`,
  '/derp',
]
const webSocket: fc.Arbitrary<Attack> = fc
  .record({ path: fc.nat(7), frames: fc.array(fc.oneof(webSocketFrame, bytes), { minLength: 1, maxLength: 6 }) })
  .map(({ path, frames }) => async () => {
    const target = socketPaths()[path] ?? ''
    const { hostname, port } = new URL(attacked.url)
    const socket = connect(Number(port), hostname).on('error', () => undefined)
    const token = target.includes('/me/') ? place.token : first.firstUser.token
    const lines = [
      `GET ${target} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...(target === '/derp' ? ['Sec-WebSocket-Protocol: derp'] : []),
      `Coder-Session-Token: ${token}`,
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    // Frames before the answer would belong to the request.
    await new Promise((resolve) => socket.once('data', resolve).once('close', resolve))
    for (const piece of frames) socket.write(piece)
    return () => void socket.destroy()
  })

/** A client of the relay, before or after it has said who it is. */
const relayFrame = fc.record({ kind: fc.nat(0x20), payload: bytes }).map(({ kind, payload }) => derpFrame(kind, payload))
const relay: fc.Arbitrary<Attack> = fc
  .record({ introducesItself: fc.boolean(), pieces: fc.array(fc.oneof(relayFrame, bytes), { maxLength: 8 }) })
  .map(({ introducesItself, pieces }) => async () => {
    const { stream, reader } = await overHttp(attacked.url)
    const greeting = await reader.next()
    if (introducesItself) stream.write(clientInfo(nacl.box.keyPair(), greeting.payload.subarray(8, 40)))
    for (const piece of pieces) stream.write(piece)
    return () => void stream.destroy()
  })

/** An agent that reports anything. */
const report: fc.Arbitrary<Attack> = fc
  .record({
    path: fc.constantFrom('version', 'app-health', 'metadata', 'gitsshkey', 'gitauth', 'report-stats'),
    body: fc.oneof(
      fc.json(),
      word,
      fc.record({ healths: fc.anything(), version: fc.anything(), num_comms: fc.anything() }).map((value) => asJson(value).toString()),
    ),
  })
  .map(({ path, body }) => async () => {
    const answer = await fetch(`${attacked.url}/api/v2/workspaceagents/me/${path}`, {
      method: 'POST',
      headers: { 'Coder-Session-Token': place.token },
      body,
    })
    expect(answer.status).toBeLessThan(500)
    return () => {}
  })

/** A node or a report of statistics that is anything. */
const exchange: fc.Arbitrary<Attack> = fc
  .record({
    path: fc.constantFrom('coordinate', 'report-stats'),
    messages: fc.array(
      fc.oneof(
        bytes,
        fc.json().map((json) => Buffer.from(json)),
        fc.record({ id: fc.anything(), key: fc.anything() }).map(asJson),
      ),
      {
        maxLength: 5,
      },
    ),
  })
  .map(({ path, messages }) => async () => {
    const socket = openSocket(attacked, `/workspaceagents/me/${path}`, place.token)
    await openedOrRefused(socket)
    for (const message of messages) if (socket.readyState === socket.OPEN) socket.send(message)
    return () => socket.terminate()
  })

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}

/** JSON of a value of which some parts can't be stated in JSON. */
function asJson(value: unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? Number(part) : part)) ?? '')
  } catch {
    return Buffer.from('{}')
  }
}

function dial(streamId: number, path: string): Buffer {
  const fields = [
    ':method',
    'POST',
    ':scheme',
    'http',
    ':authority',
    'tunnel',
    ':path',
    Buffer.from(path).subarray(0, 100).toString('latin1'),
  ]
  return rawHeaders(
    streamId,
    [0, 2, 4, 6].map((at) => [fields[at] ?? '', fields[at + 1] ?? ''] as const),
  )
}

/** Resolves once a socket is open, or the server has said no. */
async function openedOrRefused(socket: WebSocket): Promise<void> {
  await opened(socket).catch(() => undefined)
  socket.on('error', () => undefined)
}

async function clientFrames(pieces: readonly Buffer[]): Promise<() => void> {
  const socket = openSocket(attacked, `/workspaceagents/${place.id}/tunnel`, first.firstUser.token)
  await openedOrRefused(socket)
  for (const piece of pieces) if (socket.readyState === socket.OPEN) socket.send(piece)
  return () => socket.terminate()
}

async function dialTerminal(messages: readonly Buffer[]): Promise<() => void> {
  const socket = openSocket(attacked, `/workspaceagents/${place.id}/pty?reconnect=${randomUUID()}&height=1&width=1`, first.firstUser.token)
  await openedOrRefused(socket)
  for (const message of messages) if (socket.readyState === socket.OPEN) socket.send(message)
  return () => socket.terminate()
}

/** Asks for the ports of the agent, and doesn't wait for it. */
async function listeningPorts(): Promise<void> {
  const gone = AbortSignal.timeout(50)
  await fetch(`${attacked.url}/api/v2/workspaceagents/${place.id}/listening-ports`, {
    headers: { 'Coder-Session-Token': first.firstUser.token },
    signal: gone,
  }).catch(() => undefined)
}

test('no agent, client or stranger ends the process of the server', async () => {
  verifies('berth:server:keeps-serving')
  const attack = fc.oneof(agentTunnel, clientTunnel, terminal, webSocket, relay, report, exchange)
  await fc.assert(
    fc.asyncProperty(fc.array(attack, { minLength: 4, maxLength: 8 }), async (attacks) => {
      const ends = await Promise.all(attacks.map(async (begin) => await begin()))
      // The server has read what was sent before it answers this.
      expect((await fetch(`${attacked.url}/healthz`)).status).toBe(200)
      for (const end of ends) end()
    }),
    { numRuns: runs(20) },
  )
  expect((await fetch(`${attacked.url}/healthz`)).status).toBe(200)
  expect(() => process.kill(attacked.pid, 0)).not.toThrow()
  expect(attacked.output()).not.toContain(NOBODY)
})

test('an error that nobody caught is logged, and the server keeps serving', async () => {
  verifies('berth:server:keeps-serving')
  process.kill(attacked.pid, 'SIGUSR2')
  for (const message of ['lost', 'thrown'])
    await eventually(async () => {
      const lines = attacked
        .output()
        .split('\n')
        .filter((line) => line.includes(NOBODY))
      return await Promise.resolve(lines.find((line) => line.includes(message)))
    })
  expect((await fetch(`${attacked.url}/healthz`)).status).toBe(200)
})
