import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { verifies } from '@berth/requirements'
import nacl from 'tweetnacl'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { clientInfo, ended, frame, joinRelay, overHttp, overWebSocket, type DerpClient, type Way } from './derp-client.ts'
import { createAgent, openSocket, opened, type AgentPlace } from './fake-agent.ts'
import { eventually } from './eventually.ts'
import { rawRequest } from './raw-request.ts'
import { startAnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let place: AgentPlace
beforeAll(async () => {
  server = await startTestServer()
  place = await createAgent(server)
})
afterAll(async () => await server.stop())

const ways: readonly (readonly [name: string, way: () => Promise<Way>])[] = [
  ['an upgrade to DERP', async () => await overHttp(server.url)],
  ['an upgrade in a hurry', async () => await overHttp(server.url, { isFast: true })],
  ['a WebSocket', async () => await overWebSocket(server.url)],
]

/** Lets the coordinator meet the owner of a key, as clients do. Lasts until the test ends. */
async function announce({ publicKey }: nacl.BoxKeyPair, to: TestServer = server): Promise<void> {
  const socket = openSocket(to, `/workspaceagents/${place.id}/coordinate`, to.firstUser.token)
  await opened(socket)
  onTestFinished(() => socket.terminate())
  socket.send(Buffer.from(JSON.stringify({ id: 1, key: `nodekey:${Buffer.from(publicKey).toString('hex')}` })))
  // The server answers in order.
  socket.ping()
  await once(socket, 'pong')
}

/** A client that the coordinator knows. */
async function joined(way: () => Promise<Way> = async () => await overHttp(server.url), keys = nacl.box.keyPair()): Promise<DerpClient> {
  await announce(keys)
  return await joinedUnknown(way, keys)
}

async function joinedUnknown(
  way: () => Promise<Way> = async () => await overHttp(server.url),
  keys = nacl.box.keyPair(),
): Promise<DerpClient> {
  const client = await joinRelay(await way(), keys)
  onTestFinished(() => void client.stream.destroy())
  return client
}

test('the relay answers its latency check, also to pages of other sites', async () => {
  verifies('deployment:derp')
  const { status, text, headers } = await rawRequest(server.url, 'GET //derp/latency-check')
  expect([status, text, headers['access-control-allow-origin']]).toEqual([200, '', '*'])
})

test("the answer to an upgrade names the relay's version and key; a WebSocket gets its subprotocol; a fast start gets no answer", async () => {
  verifies('derp:upgrade')
  const [plain, fast, socket] = await Promise.all(ways.map(async ([, way]) => await way()))
  const client = await joinRelay(plain as Way)
  expect(plain?.head.split('\r\n')).toEqual([
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: DERP',
    'Connection: Upgrade',
    'Derp-Version: 2',
    `Derp-Public-Key: ${client.serverKey.toString('hex')}`,
  ])
  expect((await joinRelay(fast as Way)).serverKey.equals(client.serverKey)).toBe(true)
  expect(socket?.head).toBe('derp')
  for (const way of [plain, fast, socket]) way?.stream.destroy()
})

test('without an upgrade, with another one, and with a WebSocket without the subprotocol the relay is 426', async () => {
  verifies('derp:upgrade')
  for (const headers of [{}, { Connection: 'Upgrade', Upgrade: 'h2c' }])
    expect(await rawRequest(server.url, 'GET //derp', { headers })).toMatchObject({
      status: 426,
      text: 'DERP requires connection upgrade\n',
    })
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/derp`)
  const [, response] = (await once(
    socket.on('error', () => undefined),
    'unexpected-response',
  )) as [unknown, { statusCode: number }]
  expect(response.statusCode).toBe(426)
  socket.terminate()
})

test('the info of the server says version 2 and how much a client may send', async () => {
  verifies('derp:handshake')
  const { info } = await joined()
  expect(info).toEqual({ version: 2, TokenBucketBytesPerSecond: expect.any(Number), TokenBucketBytesBurst: expect.any(Number) })
})

test.each(ways)('a packet goes to the owner of its key over %s, byte for byte, with the key of its sender', async (_name, way) => {
  verifies('derp:packets')
  const [sender, receiver] = [await joined(), await joined(way)]
  const packets = [Buffer.alloc(0), randomBytes(1_400), randomBytes(64 * 1024)]
  for (const packet of packets) sender.send(receiver.key, packet)
  for (const packet of packets) {
    const { kind, payload } = await receiver.next()
    expect(kind).toBe(0x05)
    expect(payload.equals(Buffer.concat([sender.key, packet]))).toBe(true)
  }
  receiver.send(sender.key, Buffer.from('back'))
  expect(await sender.next()).toEqual({ kind: 0x05, payload: Buffer.concat([receiver.key, Buffer.from('back')]) })
})

test('a packet for an unknown client is dropped, and later packets arrive', async () => {
  verifies('derp:packets')
  const [sender, receiver] = [await joined(), await joined()]
  sender.send(randomBytes(32), Buffer.from('lost'))
  sender.send(receiver.key, Buffer.from('found'))
  expect((await receiver.next()).payload.subarray(32).toString()).toBe('found')
})

test('frames may come in pieces, many at once, and together with the info', async () => {
  verifies('derp:packets')
  const receiver = await joined()
  const way = await overHttp(server.url)
  onTestFinished(() => void way.stream.destroy())
  const keys = nacl.box.keyPair()
  await announce(keys)
  const greeting = await way.reader.next()
  const bytes = Buffer.concat([
    clientInfo(keys, greeting.payload.subarray(8, 40)),
    ...Array.from({ length: 5 }, (_, index) => frame(0x04, receiver.key, Buffer.from(`packet ${index}`))),
  ])
  const cut = bytes.length - 20
  for (let at = 0; at < cut; at += 37) way.stream.write(bytes.subarray(at, Math.min(at + 37, cut)))
  way.stream.write(bytes.subarray(cut))
  for (let index = 0; index < 5; index++) expect((await receiver.next()).payload.subarray(32).toString()).toBe(`packet ${index}`)
})

test('a ping is answered with its payload; a preference and frames of unknown kinds are ignored', async () => {
  verifies('derp:ping')
  const client = await joined()
  client.write(frame(0x07, Buffer.from([1])))
  client.write(frame(0x7f, Buffer.from('from the future')))
  client.write(frame(0x13, Buffer.alloc(8)))
  client.write(frame(0x12, Buffer.from('12345678')))
  expect(await client.next()).toEqual({ kind: 0x13, payload: Buffer.from('12345678') })
})

test('when a client leaves, those that it sent to are told, and others are not', async () => {
  verifies('derp:peer-gone')
  const [leaving, listener, stranger] = [await joined(), await joined(), await joined()]
  leaving.send(listener.key, Buffer.from('hello'))
  await listener.next()
  stranger.send(leaving.key, Buffer.from('nobody asked'))
  await leaving.next()
  leaving.stream.destroy()
  expect(await listener.next()).toEqual({ kind: 0x08, payload: leaving.key })
  stranger.write(frame(0x12, Buffer.from('anything')))
  expect((await stranger.next()).kind).toBe(0x13)
})

test('a client that reconnects replaces its old connection: packets go to the new one, and nobody is told that it left', async () => {
  verifies('derp:peer-gone')
  const keys = nacl.box.keyPair()
  const [first, other] = [await joined(undefined, keys), await joined()]
  first.send(other.key, Buffer.from('one'))
  await other.next()
  const second = await joined(undefined, keys)
  await ended(first.stream)
  other.send(second.key, Buffer.from('two'))
  expect((await second.next()).payload.subarray(32).toString()).toBe('two')
  second.send(other.key, Buffer.from('three'))
  expect((await other.next()).payload.subarray(32).toString()).toBe('three')
  second.stream.destroy()
  expect(await other.next()).toEqual({ kind: 0x08, payload: second.key })
})

test.each(ways)(
  'what a client has sent when it reconnects over %s arrives first, and its old connection ends in good order',
  async (_name, way) => {
    verifies('derp:reconnect')
    const keys = nacl.box.keyPair()
    const [first, other] = [await joined(way, keys), await joined()]
    const packets = 300
    for (let number = 0; number < packets; number++) first.send(other.key, Buffer.from(String(number)))
    const second = await joinedUnknown(way, keys)
    for (let number = packets; number < 2 * packets; number++) second.send(other.key, Buffer.from(String(number)))
    for (let number = 0; number < 2 * packets; number++) expect((await other.next()).payload.subarray(32).toString()).toBe(String(number))
    await ended(first.stream)
  },
)

const stranger = nacl.box.keyPair()
test.each<readonly [fault: string, bytes: (serverKey: Buffer) => Buffer]>([
  ['another frame', () => frame(0x04, Buffer.alloc(64))],
  ['an info that is too short', () => frame(0x02, Buffer.alloc(40))],
  ['an info that is too long', () => frame(0x02, Buffer.alloc(17 * 1024))],
  [
    "an info that is sealed with another's key",
    (key) => Buffer.concat([frame(0x02, stranger.publicKey, clientInfo(nacl.box.keyPair(), key).subarray(37))]),
  ],
  ['an info that is no object', (key) => clientInfo(nacl.box.keyPair(), key, [])],
  ['something that is no frame', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
])('a client that introduces itself with %s is sent away', async (_fault, bytes) => {
  verifies('derp:handshake')
  const way = await overHttp(server.url)
  const greeting = await way.reader.next()
  way.stream.write(bytes(greeting.payload.subarray(8, 40)))
  await expect(way.reader.next()).rejects.toThrow('the relay ended the connection')
})

test.each([
  ['a packet above 64 KiB', frame(0x04, randomBytes(32), Buffer.alloc(64 * 1024 + 1))],
  ['a packet without a receiver', frame(0x04, Buffer.alloc(31))],
  ['a ping of another size', frame(0x12, Buffer.alloc(9))],
  ['a note of preference of another size', frame(0x07)],
  ['an unknown frame without end', frame(0x7f, Buffer.alloc(64 * 1024 + 1))],
])('%s ends the connection', async (_fault, bytes) => {
  verifies('derp:limits')
  const client = await joined()
  client.write(bytes)
  await expect(client.next()).rejects.toThrow('the relay ended the connection')
})

test.each([
  ['forward packets', 0x0a, 64],
  ['watch connections', 0x10, 0],
  ['close a peer', 0x11, 32],
])('no client may %s as relays of one region do', async (_what, kind, bytes) => {
  verifies('derp:limits')
  const client = await joined(undefined)
  client.write(frame(kind, Buffer.alloc(bytes)))
  await expect(client.next()).rejects.toThrow('the relay ended the connection')
})

test('a reader that reads nothing loses its oldest packets, and holds its senders up only briefly', async () => {
  verifies('derp:limits')
  const [sender, slow, quick] = [await joined(), await joined(), await joined()]
  slow.stream.pause()
  const count = 600
  const packet = Buffer.alloc(60 * 1024)
  for (let index = 0; index < count; index++) {
    packet.writeUInt32BE(index, 0)
    sender.send(slow.key, packet)
  }
  // It comes after all of them.
  sender.send(quick.key, Buffer.from('last'))
  expect((await quick.next()).payload.subarray(32).toString()).toBe('last')
  slow.stream.resume()
  const received: number[] = []
  while (received.at(-1) !== count - 1) received.push((await slow.next()).payload.readUInt32BE(32))
  expect(received.length).toBeLessThan(count)
  expect(received).toEqual(received.toSorted((a, b) => a - b))
})

test('the key of the relay is the same for every server on one database', async () => {
  verifies('derp:server-key')
  const { serverKey } = await joined()
  const other = await startAnotherServer(server)
  onTestFinished(async () => await other.stop())
  const way = await overHttp(other.url)
  expect((await joinRelay(way)).serverKey.equals(serverKey)).toBe(true)
  way.stream.destroy()
})

test('a disabled relay accepts no clients', async () => {
  verifies('derp:limits')
  const off = await startTestServer({ config: { derpServerEnable: false } })
  onTestFinished(async () => await off.stop())
  const { hostname, port } = new URL(off.url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET /derp HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 /)
  socket.destroy()
})

test('clients that connect too often from one address are refused', async () => {
  verifies('derp:limits')
  const strict = await startTestServer({ config: { apiRateLimit: 3 } })
  onTestFinished(async () => await strict.stop())
  const heads = []
  for (let index = 0; index < 4; index++) {
    const way = await overHttp(strict.url)
    heads.push(way.head.split('\r\n', 1)[0])
    way.stream.destroy()
  }
  expect(heads.at(0)).toMatch(/ 101 /)
  expect(heads.at(-1)).toMatch(/ 429 /)
})

test("a server that stops closes the relay's connections, even those of clients that sent nothing", async () => {
  verifies('derp:limits')
  const stopping = await startTestServer()
  const [client, silent] = [await joinRelay(await overHttp(stopping.url)), await overWebSocket(stopping.url)]
  const ends = [ended(client.stream), ended(silent.stream)]
  await stopping.stop()
  await Promise.all(ends)
})

test('packets between strangers, and between a stranger and a known client, are dropped; they pass once both are known', async () => {
  verifies('derp:known')
  const [oneKeys, twoKeys] = [nacl.box.keyPair(), nacl.box.keyPair()]
  const [one, two, known] = [await joinedUnknown(undefined, oneKeys), await joinedUnknown(undefined, twoKeys), await joined()]
  const ping = frame(0x12, Buffer.from('12345678'))
  const isSilent = async (client: DerpClient): Promise<boolean> => {
    client.write(ping)
    return (await client.next()).kind === 0x13
  }
  one.send(two.key, Buffer.from('lost'))
  one.send(known.key, Buffer.from('lost'))
  known.send(one.key, Buffer.from('lost'))
  for (const client of [one, two, known, one, two, known]) expect(await isSilent(client)).toBe(true)
  await announce(oneKeys)
  one.send(two.key, Buffer.from('lost'))
  one.send(known.key, Buffer.from('found'))
  expect((await known.next()).payload.subarray(32).toString()).toBe('found')
  expect(await isSilent(two)).toBe(true)
  await announce(twoKeys)
  one.send(two.key, Buffer.from('found'))
  expect((await two.next()).payload.subarray(32).toString()).toBe('found')
})

/** A node of the reference's network, as its programs state it. */
const node = (id: number, keys: nacl.BoxKeyPair) => ({
  id,
  as_of: '2026-11-24T10:00:00.000000001Z',
  key: `nodekey:${Buffer.from(keys.publicKey).toString('hex')}`,
  disco: `discokey:${randomBytes(32).toString('hex')}`,
  preferred_derp: 999,
  derp_latency: { '999-v4': 0.000_31 },
  addresses: ['fd7a:115c:a1e0:49d6:b259:b7ac:b1b2:48f4/128'],
  allowed_ips: ['fd7a:115c:a1e0:49d6:b259:b7ac:b1b2:48f4/128'],
  endpoints: ['203.0.113.7:41641'],
})

test('an agent and a client of the reference learn of each other, and their packets pass', async () => {
  verifies('derp:known')
  const own = await createAgent(server)
  /** Introduces an end to the coordinator. Returns a function that waits for the other's key. */
  const meet = async (path: string, token: string, self: unknown): Promise<() => Promise<Buffer>> => {
    const socket = openSocket(server, path, token)
    const nodes: { key: string }[] = []
    socket.on('message', (data: Buffer) => nodes.push(...(JSON.parse(data.toString()) as { key: string }[])))
    await opened(socket)
    onTestFinished(() => socket.terminate())
    socket.send(Buffer.from(JSON.stringify(self)))
    return async () => Buffer.from((await eventually(async () => await Promise.resolve(nodes.at(-1)))).key.replace('nodekey:', ''), 'hex')
  }
  const [agentKeys, clientKeys] = [nacl.box.keyPair(), nacl.box.keyPair()]
  const peerOfAgent = await meet('/workspaceagents/me/coordinate', own.token, node(1, agentKeys))
  const peerOfClient = await meet(`/workspaceagents/${own.id}/coordinate`, server.firstUser.token, node(2, clientKeys))
  const [agent, client] = [await joinedUnknown(undefined, agentKeys), await joinedUnknown(undefined, clientKeys)]
  client.send(await peerOfClient(), Buffer.from('hello'))
  expect((await agent.next()).payload).toEqual(Buffer.concat([client.key, Buffer.from('hello')]))
  agent.send(await peerOfAgent(), Buffer.from('welcome'))
  expect((await client.next()).payload).toEqual(Buffer.concat([agent.key, Buffer.from('welcome')]))
})

test('a client stays known while it reconnects to the coordinator', async () => {
  verifies('derp:known')
  const keys = nacl.box.keyPair()
  const socket = openSocket(server, `/workspaceagents/${place.id}/coordinate`, server.firstUser.token)
  await opened(socket)
  socket.send(Buffer.from(JSON.stringify({ key: `nodekey:${Buffer.from(keys.publicKey).toString('hex')}` })))
  socket.ping()
  await once(socket, 'pong')
  const [client, other] = [await joinedUnknown(undefined, keys), await joined()]
  socket.close()
  await once(socket, 'close')
  client.send(other.key, Buffer.from('still here'))
  expect((await other.next()).payload.subarray(32).toString()).toBe('still here')
})

test('a client that the coordinator of another replica knows may use the relay of this one', async () => {
  verifies('derp:known')
  const another = await startAnotherServer(server)
  onTestFinished(async () => await another.stop())
  const keys = nacl.box.keyPair()
  await announce(keys, { ...server, url: another.url })
  const [sender, receiver] = [await joinedUnknown(undefined, keys), await joined()]
  const received = receiver.next()
  const timer = setInterval(() => sender.send(receiver.key, Buffer.from('across')), 20)
  expect((await received).payload.subarray(32).toString()).toBe('across')
  clearInterval(timer)
})

test('one address has a limited number of strangers, and room again when they leave', async () => {
  verifies('derp:known')
  const fresh = await startAnotherServer(server)
  onTestFinished(async () => await fresh.stop())
  const strangers = []
  for (let count = 0; count < 64; count++) strangers.push(await joinRelay(await overHttp(fresh.url)))
  const statusLine = async (): Promise<string> => {
    const way = await overHttp(fresh.url)
    way.stream.destroy()
    return way.head.split('\r\n', 1)[0] ?? ''
  }
  expect(await statusLine()).toMatch(/ 429 /)
  for (const { stream } of strangers.splice(0, 2)) stream.destroy()
  await eventually(async () => ((await statusLine()).includes(' 101 ') ? true : undefined))
  for (const { stream } of strangers) stream.destroy()
})
