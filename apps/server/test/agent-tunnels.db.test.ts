import { randomBytes, randomUUID } from 'node:crypto'
import { buffer, text } from 'node:stream/consumers'
import { verifies } from '@berth/requirements'
import { TunnelRefusal, type TunnelRequest, type TunnelStream } from '@berth/tunnel'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { WebSocket } from 'ws'
import { callApi } from './call-api.ts'
import { createMember } from './factories.ts'
import { connectAgent, connectClient, createAgent, endOf, openSocket, opened, statusBecomes, type AgentPlace } from './fake-agent.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

interface Connected extends AgentPlace {
  /** What was dialled, in order. */
  readonly targets: string[]
}

/** A workspace whose agent answers as `answer` does. */
async function connected(
  answer: (request: TunnelRequest) => void | Promise<void>,
  apps: { slug: string; url: string }[] = [],
): Promise<Connected> {
  const place = await createAgent(server, { apps })
  const targets: string[] = []
  const agent = await connectAgent(server, place.token, async (request) => {
    targets.push(request.target)
    await answer(request)
  })
  onTestFinished(async () => await agent.close())
  await statusBecomes(place, 'connected')
  return { ...place, targets }
}

const echo = ({ accept }: TunnelRequest): void => {
  const stream = accept()
  stream.pipe(stream)
}

async function dialAs(token: string, agentId: string) {
  const client = await connectClient(server, { agentId, token })
  onTestFinished(() => client.close())
  return client
}

test('a client reaches ssh and ports of an agent through the server, byte for byte, on many streams at once', async () => {
  const place = await connected(echo)
  const client = await dialAs(server.firstUser.token, place.id)
  const payloads = Array.from({ length: 8 }, (_, index) => randomBytes(200_000 + index))
  const echoed = await Promise.all(
    payloads.map(async (payload, index) => {
      const stream = await client.dial(index === 0 ? 'ssh' : `ports/${8000 + index}`)
      stream.end(payload)
      return await buffer(stream)
    }),
  )
  for (const [index, payload] of payloads.entries()) expect(echoed[index]?.equals(payload), `stream ${index}`).toBe(true)
  expect(place.targets.toSorted()).toEqual([
    'ports/8001',
    'ports/8002',
    'ports/8003',
    'ports/8004',
    'ports/8005',
    'ports/8006',
    'ports/8007',
    'ssh',
  ])
})

test('an end at one side is an end at the other, and the other direction stays open', async () => {
  const { id } = await connected(({ accept }) => {
    const stream = accept()
    let said = ''
    stream.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
    stream.on('end', () => stream.end(`heard ${said}`))
  })
  const stream = await (await dialAs(server.firstUser.token, id)).dial('ssh')
  stream.end('everything')
  expect(await text(stream)).toBe('heard everything')
})

test('a refusal of the agent reaches the client with its status and message', async () => {
  const { id } = await connected(() => {
    throw new TunnelRefusal(502, 'Nothing listens on port 8080.')
  })
  const dialing = (await dialAs(server.firstUser.token, id)).dial('ports/8080')
  await expect(dialing).rejects.toMatchObject({ status: 502, message: 'Nothing listens on port 8080.' })
})

test('targets that clients may not dial, and unknown ones, are refused without asking the agent', async () => {
  const place = await connected(echo)
  const client = await dialAs(server.firstUser.token, place.id)
  for (const target of ['pty?id=x', 'ports/', 'ports/8080/more', 'ports/123456', 'SSH', '../ssh', 'exec'])
    await expect(client.dial(target), target).rejects.toMatchObject({ status: 404 })
  expect(place.targets).toEqual([])
})

test('while the agent is disconnected a client may connect, and its dials are refused until the agent is back', async () => {
  const place = await createAgent(server)
  const client = await dialAs(server.firstUser.token, place.id)
  await expect(client.dial('ssh')).rejects.toMatchObject({ status: 428 })
  const agent = await connectAgent(server, place.token, echo)
  onTestFinished(async () => await agent.close())
  await statusBecomes(place, 'connected')
  const stream = await client.dial('ssh')
  stream.end('back')
  expect(await text(stream)).toBe('back')
})

test('a stream that breaks off at the agent breaks off for the client, and the tunnel stays open', async () => {
  const place = await connected(({ accept, target }) => {
    const stream = accept()
    if (target === 'ssh') stream.once('data', () => stream.destroy())
    else stream.pipe(stream)
  })
  const client = await dialAs(server.firstUser.token, place.id)
  const broken = await client.dial('ssh')
  broken.write('something')
  await expect(text(broken)).rejects.toThrow()
  const fine = await client.dial('ports/1')
  fine.end('fine')
  expect(await text(fine)).toBe('fine')
})

test("when a client's connection breaks, its streams at the agent end", async () => {
  const ended: Promise<unknown>[] = []
  const place = await connected(({ accept }) => {
    const stream = accept().resume()
    ended.push(new Promise((resolve) => stream.once('close', resolve)))
  })
  const client = await connectClient(server, { agentId: place.id, token: server.firstUser.token })
  for (const target of ['ssh', 'ports/8080']) await client.dial(target)
  client.socket.terminate()
  expect(await Promise.all(ended)).toHaveLength(2)
})

test('only those who may run things in a workspace may dial it: others get 404', async () => {
  const place = await connected(echo)
  const { token } = await createMember(server)
  for (const path of [`/workspaceagents/${place.id}/tunnel`, `/workspaceagents/${place.id}/pty?reconnect=${randomUUID()}`])
    await expect(opened(openSocket(server, path, token)), path).rejects.toThrow(/^404: /)
  await expect(opened(openSocket(server, `/workspaceagents/${place.id}/tunnel`, ''))).rejects.toThrow(/^401: /)
})

test('without an upgrade request, the tunnel and the terminal are 426', async () => {
  const place = await connected(echo)
  for (const path of ['me/tunnel', `${place.id}/tunnel`, `${place.id}/pty?reconnect=${randomUUID()}`]) {
    const token = path.startsWith('me') ? place.token : server.firstUser.token
    const answer = await fetch(`${server.url}/api/v2/workspaceagents/${path}`, { headers: { 'Coder-Session-Token': token } })
    expect(answer.status, path).toBe(426)
  }
  expect(place.targets).toEqual([])
})

/** Opens a terminal and collects what it shows. */
async function openTerminal(agentId: string, query: string): Promise<{ socket: WebSocket; shown: () => string }> {
  const socket = openSocket(server, `/workspaceagents/${agentId}/pty?${query}`, server.firstUser.token)
  let shown = ''
  socket.on('message', (data: Buffer, isBinary) => (shown += isBinary ? data.toString('utf8') : '[text]'))
  await opened(socket)
  return { socket, shown: () => shown }
}

/** A terminal that echoes what is typed and tells its size. */
function playTerminal({ accept }: TunnelRequest): void {
  const stream: TunnelStream = accept()
  let rest = ''
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const { data = '', height, width } = JSON.parse(line) as { data?: string; height?: number; width?: number } // the server's framing
      stream.write(height === undefined ? data : `[${width}x${height}]${data}`)
    }
  })
  stream.on('end', () => stream.end())
}

test('the terminal takes a resize, and what is typed comes back with its output', async () => {
  verifies('agents:pty')
  const place = await connected(playTerminal)
  const id = randomUUID()
  const { socket, shown } = await openTerminal(place.id, `reconnect=${id}&height=25&width=100&command=bash%20-l`)
  socket.send(Buffer.from(JSON.stringify({ height: 40, width: 120 })))
  socket.send(Buffer.from(JSON.stringify({ data: 'echo test\r\n' }, null, 2)))
  await expect.poll(shown).toBe('[120x40]echo test\r\n')
  expect(place.targets).toEqual([`pty?id=${id}&height=25&width=100&command=bash+-l`])
  const closed = endOf(socket)
  socket.close(1000)
  expect((await closed).code).toBe(1000)
})

test('sizes that are not numbers are 80, and large ones wrap at 16 bits', async () => {
  const place = await connected(playTerminal)
  const ids = [randomUUID(), randomUUID()]
  for (const [index, size] of ['height=tall&width=', `height=${65_536 + 24}&width=132`].entries()) {
    const { socket } = await openTerminal(place.id, `reconnect=${ids[index]}&${size}`)
    await expect.poll(() => place.targets.length).toBe(index + 1)
    socket.terminate()
  }
  expect(place.targets).toEqual([`pty?id=${ids[0]}&height=80&width=80`, `pty?id=${ids[1]}&height=24&width=132`])
})

test.each([
  ['a text frame', 'text', 1003],
  ['a binary frame that is no JSON', Buffer.from('{"data"'), 1007],
  ['a binary frame with a list', Buffer.from('[1]'), 1007],
])('%s from the client closes the terminal', async (_what, message, code) => {
  const { id } = await connected(playTerminal)
  const { socket } = await openTerminal(id, `reconnect=${randomUUID()}`)
  const closed = endOf(socket)
  socket.send(message)
  expect((await closed).code).toBe(code)
})

test('a terminal that ends closes its socket with 1000', async () => {
  const { id } = await connected(({ accept }) => void accept().end('goodbye'))
  const { socket, shown } = await openTerminal(id, `reconnect=${randomUUID()}`)
  expect((await endOf(socket)).code).toBe(1000)
  expect(shown()).toBe('goodbye')
})

test('a terminal that cannot be opened closes its socket with 1011 and the reason, however long it is', async () => {
  const { id } = await connected(() => {
    throw new TunnelRefusal(503, `There are too many terminals. ${'é'.repeat(200)}`)
  })
  const { socket } = await openTerminal(id, `reconnect=${randomUUID()}`)
  expect(await endOf(socket)).toEqual({ code: 1011, reason: expect.stringMatching(/^There are too many terminals\. é{10}/) })
})

test('a terminal waits for a slow reader, and none of its output is lost', async () => {
  const megabytes = 8
  const { id } = await connected(({ accept }) => {
    const stream = accept()
    const line = Buffer.alloc(64 * 1024, 'x')
    let left = (megabytes * 1024 * 1024) / line.length
    const write = (): void => {
      while (left > 0) {
        left--
        if (!stream.write(line)) return void stream.once('drain', write)
      }
      stream.end()
    }
    write()
  })
  const socket = openSocket(server, `/workspaceagents/${id}/pty?reconnect=${randomUUID()}`, server.firstUser.token)
  await opened(socket)
  let bytes = 0
  socket.on('message', (data: Buffer) => (bytes += data.length))
  socket.pause()
  setImmediate(() => socket.resume())
  expect((await endOf(socket)).code).toBe(1000)
  expect(bytes).toBe(megabytes * 1024 * 1024)
})

test('the terminal and the ports of an agent that is not connected are 428, and the message names its state', async () => {
  const place = await createAgent(server)
  const listing = server.client.agents.listeningPorts({ params: { workspaceagent: place.id } })
  await expect(listing).rejects.toMatchObject({ status: 428, message: 'Agent state is "connecting", it must be in the "connected" state.' })
  const path = `/workspaceagents/${place.id}/pty?reconnect=${randomUUID()}`
  await expect(opened(openSocket(server, path, server.firstUser.token))).rejects.toThrow(/^428: /)
})

test('a terminal without a UUID is 400', async () => {
  const { id } = await connected(playTerminal)
  const path = `/workspaceagents/${id}/pty?reconnect=mine`
  await expect(opened(openSocket(server, path, server.firstUser.token))).rejects.toThrow(/^400: .*"field":"reconnect"/)
})

const listening =
  (...ports: readonly unknown[]) =>
  ({ accept }: TunnelRequest): void =>
    void accept().end(JSON.stringify({ ports }))
const port = (number: number, process_name = 'node') => ({ process_name, network: 'tcp', port: number })

test('a listening port is listed once; low ports and those of databases and apps are not', async () => {
  verifies('agents:listening-ports')
  const place = await connected(
    listening(port(8), port(9), port(22), port(5432), port(3000, 'vite'), port(3000, 'vite'), port(8080), port(27017)),
    [
      { slug: 'web', url: 'http://localhost:8080/path' },
      { slug: 'none', url: 'not a url' },
    ],
  )
  const { ports } = await server.client.agents.listeningPorts({ params: { workspaceagent: place.id } })
  expect(ports).toEqual([port(9), port(3000, 'vite')])
})

test("an agent's list of ports is not trusted: entries that are not ports are left out", async () => {
  const { id } = await connected(
    listening(port(70_000), port(1.5), 'x', null, { port: '80' }, { port: 8123, network: 'udp', extra: '<script>' }),
  )
  expect(await server.client.agents.listeningPorts({ params: { workspaceagent: id } })).toEqual({ ports: [port(8123, '')] })
})

test.each([
  ['no list', ({ accept }: TunnelRequest): void => void accept().end('"ports"')],
  ['no JSON', ({ accept }: TunnelRequest): void => void accept().end('ports')],
  [
    'a refusal',
    (): void => {
      throw new TunnelRefusal(500, 'no')
    },
  ],
  [
    'a list without an end',
    ({ accept }: TunnelRequest): void => {
      const stream = accept()
      const junk = Buffer.alloc(1024 * 1024, ' ')
      const write = (): void => void stream.write(junk, (error) => (error ? undefined : write()))
      write()
    },
  ],
  ['a list of lists', ({ accept }: TunnelRequest): void => void accept().end('['.repeat(500_000))],
  ['a list without ports', ({ accept }: TunnelRequest): void => void accept().end('{"ports":{"length":1e9}}')],
  ['nothing', ({ accept }: TunnelRequest): void => void accept().end()],
  ['a stream that breaks off', ({ accept }: TunnelRequest): void => void accept().destroy(new Error('gone'))],
])('%s from the agent is 502 in words, and the server goes on', async (_what, answer) => {
  verifies('agents:listening-ports:unusable')
  const { id } = await connected(answer)
  const { status, json } = await callApi(server, `GET /workspaceagents/${id}/listening-ports`)
  expect([status, json]).toEqual([
    502,
    { message: expect.stringContaining('agent') as string, detail: expect.stringMatching(/\S/) as string },
  ])
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
})

const STALLS: readonly (readonly [string, (request: TunnelRequest) => void | Promise<void>])[] = [
  ['never answers the dial', async () => await new Promise(() => undefined)],
  ['never ends its list', ({ accept }) => void accept().write('{"ports":[')],
  [
    'sends its list a byte at a time',
    ({ accept }) => {
      const stream = accept()
      const timer = setInterval(() => stream.write(' '), 500)
      stream.on('error', () => undefined).on('close', () => clearInterval(timer))
    },
  ],
]

test('an agent that never answers, never ends its list or sends it a byte at a time holds a request for ten seconds, and no longer', async () => {
  verifies('agents:listening-ports:unusable')
  const places = await Promise.all(STALLS.map(async ([what, answer]) => ({ what, ...(await connected(answer)) })))
  await Promise.all(
    places.map(async ({ what, id }) => {
      const startedAt = performance.now()
      const { status, json } = await callApi(server, `GET /workspaceagents/${id}/listening-ports`)
      expect([what, status, json.detail]).toEqual([what, 502, 'It took longer than 10 s.'])
      expect(performance.now() - startedAt, what).toBeLessThan(15_000)
    }),
  )
}, 20_000)

test('a tunnel beyond those that a user may have closes with a reason, and one that closed makes room', async () => {
  verifies('workspaces:tunnel:budget')
  const place = await connected(echo)
  const { firstUser } = server
  const tunnels = await Promise.all(Array.from({ length: 100 }, async () => await dialAs(firstUser.token, place.id)))
  const socket = openSocket(server, `/workspaceagents/${place.id}/tunnel`, firstUser.token)
  expect(await endOf(socket)).toEqual({ code: 1013, reason: 'you have too many connections to workspaces open: close some and try again' })
  const [first] = tunnels
  first?.close()
  await expect.poll(async () => await tryTunnel(place.id)).toBe('ok')
})

/** Sends some bytes through a new tunnel and back. */
async function tryTunnel(agentId: string): Promise<string> {
  try {
    const stream = await (await dialAs(server.firstUser.token, agentId)).dial('ssh')
    stream.end('ok')
    return await text(stream)
  } catch (error) {
    return String(error)
  }
}

test('streams of a client that left are reset towards an agent that reads nothing', async () => {
  verifies('workspaces:tunnel:budget')
  const signals: AbortSignal[] = []
  const place = await connected(({ accept, signal }) => {
    signals.push(signal)
    accept().on('error', () => undefined)
  })
  const client = await dialAs(server.firstUser.token, place.id)
  const streams = await Promise.all(Array.from({ length: 50 }, async () => await client.dial('ssh')))
  for (const stream of streams) stream.write(Buffer.alloc(200_000))
  for (const stream of streams.slice(0, 10)) stream.end()
  await client.ping()
  client.close()
  await expect.poll(() => signals.filter(({ aborted }) => aborted).length).toBe(50)
})
