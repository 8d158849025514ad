import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import type { DialTunnel } from '@berth/tunnel'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { connectAgent, connectClient, createAgent, endOf, openSocket, opened, statusBecomes, type AgentPlace } from './fake-agent.ts'
import {
  END_HEADERS,
  END_STREAM,
  FRAME_TYPE,
  PREFACE,
  RawFrameReader,
  rawFrame,
  rawHeaders,
  rawReset,
  rawSettings,
  type RawFrame,
} from './raw-http2.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let place: AgentPlace
beforeAll(async () => {
  server = await startTestServer()
  place = await createAgent(server)
})
afterAll(async () => await server.stop())

/** What would have ended the process of the server. */
const fatal: unknown[] = []
const onFatal = (error: unknown): void => void fatal.push(error)
beforeEach(() => {
  process.on('unhandledRejection', onFatal)
  process.on('uncaughtException', onFatal)
})
afterEach(async () => {
  // A rejection is unhandled only once the turn in which it happened is over.
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', onFatal)
  process.off('uncaughtException', onFatal)
  expect(fatal.splice(0)).toEqual([])
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
})

/** An agent that answers the server's dials with bytes of its own choice. Returns how to end it. */
async function connectRawAgent(onDial: (socket: WebSocket, streamId: number) => void): Promise<() => Promise<void>> {
  const socket = openSocket(server, '/workspaceagents/me/tunnel', place.token)
  const reader = new RawFrameReader(PREFACE.length)
  socket.on('message', (chunk: Buffer) => {
    for (const { type, streamId } of reader.read(chunk)) {
      if (type === FRAME_TYPE.headers) onDial(socket, streamId)
    }
  })
  const closed = endOf(socket)
  await opened(socket)
  socket.on('error', () => undefined)
  socket.send(rawSettings)
  await statusBecomes(place, 'connected')
  return async () => {
    socket.terminate()
    await closed
  }
}

/** Everything that makes the server dial the agent. Settles once each of them has been answered. */
async function dialInEveryWay(client: DialTunnel): Promise<PromiseSettledResult<unknown>[]> {
  const terminal = openSocket(server, `/workspaceagents/${place.id}/pty?reconnect=${randomUUID()}`, server.firstUser.token)
  const terminalEnd = endOf(terminal)
  const listing = fetch(`${server.url}/api/v2/workspaceagents/${place.id}/listening-ports`, {
    headers: { 'Coder-Session-Token': server.firstUser.token },
  })
  const shell = async (): Promise<string> => {
    const stream = await client.dial('ssh', { signal: AbortSignal.timeout(5_000) })
    stream.end('hello')
    return await text(stream)
  }
  return await Promise.allSettled([
    shell(),
    opened(terminal).then(
      async () => await terminalEnd,
      (error: unknown) => error,
    ),
    listing.then(({ status }) => status),
  ])
}

/**
 * Lets an agent misbehave while it is dialled, and proves afterwards that the server still serves.
 */
async function survive(onDial: (socket: WebSocket, streamId: number) => void): Promise<PromiseSettledResult<unknown>[]> {
  const endAgent = await connectRawAgent(onDial)
  const client = await connectClient(server, { agentId: place.id, token: server.firstUser.token })
  try {
    return await dialInEveryWay(client)
  } finally {
    client.close()
    await endAgent()
    await statusBecomes(place, 'disconnected')
  }
}

const statuses = ['0', '000', '99', '099', '100', '199', '204', '304', '399', '600', '999', '1000', '-1', '6e2', 'abc', ''] as const
const malformed: readonly (readonly [what: string, fields: readonly (readonly [string, string])[]])[] = [
  ['no status', [['content-type', 'text/plain']]],
  ['nothing at all', []],
  [
    'two statuses',
    [
      [':status', '200'],
      [':status', '404'],
    ],
  ],
  [
    'a status after another field',
    [
      ['a', 'b'],
      [':status', '200'],
    ],
  ],
  [
    'a field in capitals',
    [
      [':status', '404'],
      ['X-Capital', 'x'],
    ],
  ],
  [
    'a field of HTTP/1',
    [
      [':status', '404'],
      ['connection', 'close'],
    ],
  ],
  [
    'a field without a name',
    [
      [':status', '404'],
      ['', 'x'],
    ],
  ],
  [
    'a line break',
    [
      [':status', '404'],
      ['a', 'b\r\nc: d'],
    ],
  ],
  [
    'a length that is no number',
    [
      [':status', '404'],
      ['content-length', '-1'],
    ],
  ],
  ['more fields than anybody reads', [[':status', '404'], ...Array.from({ length: 500 }, (_, index) => [`x-${index}`, 'y'] as const)]],
]

const accept = (streamId: number): Buffer => rawHeaders(streamId, [[':status', '200']])
const refuse = (streamId: number): Buffer => rawHeaders(streamId, [[':status', '502']])
const data = (streamId: number): Buffer => rawFrame({ type: FRAME_TYPE.data, flags: 0, streamId, payload: Buffer.alloc(2_000, 'x') })
const end = (streamId: number): Buffer => rawFrame({ type: FRAME_TYPE.data, flags: END_STREAM, streamId, payload: Buffer.alloc(0) })
const goAway = (): Buffer => rawFrame({ type: FRAME_TYPE.goAway, flags: 0, streamId: 0, payload: Buffer.alloc(8) })

describe('an agent', () => {
  test.each(statuses)('that answers with the status %j is refused like any other error', async (status) => {
    const [shell] = await survive((socket, streamId) => {
      socket.send(rawHeaders(streamId, [[':status', status]]))
      socket.send(rawFrame({ type: FRAME_TYPE.data, flags: END_STREAM, streamId, payload: Buffer.from('no') }))
      // Of an answer that only says "wait", nothing more would come.
      if (/^1\d\d$/.test(status)) socket.send(rawReset(streamId))
    })
    expect(shell).toMatchObject({ status: 'rejected', reason: { status: expect.toSatisfy((sent: number) => sent >= 400 && sent <= 599) } })
  })

  test.each(malformed)('that answers with %s breaks off its own stream or tunnel, and nothing else', async (_what, fields) => {
    const [shell] = await survive((socket, streamId) => socket.send(rawHeaders(streamId, fields, END_HEADERS | END_STREAM)))
    expect(shell).toMatchObject({ status: 'rejected' })
  })

  test('may break off at any moment', async () => {
    const orderly = [[], [accept], [accept, data], [accept, data, end], [refuse], [refuse, data], [accept, accept]]
    for (const before of [...orderly, [data]])
      // After data that nobody may send yet, the server reads nothing more: only the end of the
      // connection reaches it.
      for (const last of [...(before[0] === data ? [] : [rawReset, goAway]), 'close', 'terminate'] as const)
        await survive((socket, streamId) => {
          for (const part of before) socket.send(part(streamId))
          if (last === 'close') socket.close(1000)
          else if (last === 'terminate') socket.terminate()
          else socket.send(last(streamId))
        })
  }, 60_000)

  test('may send any frame', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, async (pieces) => {
        await survive((socket, streamId) => {
          for (const piece of pieces) socket.send(piece)
          // Where all of that was allowed, the server would wait for an answer.
          socket.send(rawReset(streamId))
          socket.close(1000)
        })
      }),
      { numRuns: 12 },
    )
  }, 60_000)
})

const frame = fc
  .record<RawFrame>({
    type: fc.nat(15),
    flags: fc.nat(255),
    streamId: fc.constantFrom(0, 1, 2, 3, 5, 0x7fff_ffff, 0xffff_ffff),
    payload: fc.uint8Array({ maxLength: 200 }),
  })
  .map(rawFrame)
const anyBytes = fc.array(
  fc.oneof({ weight: 4, arbitrary: frame }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) }),
  { maxLength: 6 },
)

/**
 * Sends bytes into a client's tunnel, and proves that a well-behaved client beside it is served as
 * before.
 */
async function surviveClient(send: (socket: WebSocket) => void): Promise<void> {
  const agent = await connectAgent(server, place.token, (request) => {
    const stream = request.accept()
    stream.pipe(stream)
  })
  await statusBecomes(place, 'connected')
  const neighbour = await connectClient(server, { agentId: place.id, token: server.firstUser.token })
  const socket = openSocket(server, `/workspaceagents/${place.id}/tunnel`, server.firstUser.token)
  await opened(socket)
  socket.on('error', () => undefined)
  const ended = endOf(socket)
  socket.send(Buffer.concat([PREFACE, rawSettings]))
  send(socket)
  const stream = await neighbour.dial('ssh')
  stream.end('still here')
  expect(await text(stream)).toBe('still here')
  socket.close(1000)
  await ended
  neighbour.close()
  await agent.close()
  await statusBecomes(place, 'disconnected')
}

const dial = (streamId: number, method: string, path: string): Buffer =>
  rawHeaders(streamId, [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'tunnel'],
    [':path', path],
  ])

describe('a client', () => {
  test.each(['HEAD', 'GET', 'CONNECT', 'OPTIONS', 'post', ''])('may dial with the method %j', async (method) => {
    await surviveClient((socket) => {
      for (const [index, path] of ['/ssh', '/nothing', '', 'ssh', '/', '/ports/0', '*'].entries())
        socket.send(dial(2 * index + 1, method, path))
    })
  })

  test('may dial and break off at any moment, on any number of streams', async () => {
    await surviveClient((socket) => {
      for (let streamId = 1; streamId < 400; streamId += 2) {
        socket.send(dial(streamId, 'POST', streamId % 4 === 1 ? '/ssh' : '/nothing'))
        if (streamId % 3 === 0) socket.send(rawFrame({ type: FRAME_TYPE.data, flags: 0, streamId, payload: Buffer.from('x') }))
        socket.send(rawReset(streamId))
      }
    })
  })

  test('may send any frame', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, async (pieces) => {
        await surviveClient((socket) => {
          socket.send(dial(1, 'POST', '/ssh'))
          for (const piece of pieces) socket.send(piece)
        })
      }),
      { numRuns: 25 },
    )
  }, 60_000)
})
