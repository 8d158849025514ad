import { duplexPair, type Duplex } from 'node:stream'
import { verifies } from '@berth/requirements'
import nacl from 'tweetnacl'
import { expect, test, vi } from 'vitest'
import { serveConnection, type ConnectionLimits } from './connection.ts'
import { FRAME, FrameReader, encodeFrame, type Frame } from './frames.ts'
import { serverKeyOf } from './handshake.ts'
import { Relay } from './relay.ts'

const LIMITS: ConnectionLimits = {
  maxPackets: 4,
  patienceMs: 60_000,
  patienceBytes: 1,
  replacedQuietMs: 60_000,
  replacedTimeoutMs: 60_000,
  maxBytes: 1024 * 1024,
  stallTimeoutMs: 60_000,
  bytesPerSecond: 1024 * 1024 * 1024,
  handshakeTimeoutMs: 60_000,
  keepAliveMs: 60_000,
  strangerTimeoutMs: 60_000,
  strangerBytes: 1024,
}
const serverKey = serverKeyOf(nacl.randomBytes(32))

/** Connects a client to a relay in the same process, without a network. */
function connect(relay: Relay, limits: Partial<ConnectionLimits> = {}) {
  const [stream, far] = duplexPair()
  const ended = serveConnection(far, { relay, serverKey, limits: { ...LIMITS, ...limits } })
  const keys = nacl.box.keyPair()
  const introduce = (): void => {
    const nonce = nacl.randomBytes(24)
    stream.write(
      encodeFrame(FRAME.clientInfo, keys.publicKey, nonce, nacl.box(Buffer.from('{}'), nonce, serverKey.publicKey, keys.secretKey)),
    )
  }
  return { stream, far, ended, introduce, key: Buffer.from(keys.publicKey), frames: framesOf(stream) }
}

type Client = ReturnType<typeof connect>

/** Yields frames as they arrive. Reading starts with the first request for one. */
async function* framesOf(stream: Duplex): AsyncGenerator<Frame> {
  const reader = new FrameReader()
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    reader.push(chunk)
    for (let frame = reader.next(() => 1024 * 1024); frame !== undefined; frame = reader.next(() => 1024 * 1024)) yield frame
  }
}

/** Reads the number that the next packet begins with. */
async function nextNumber(frames: AsyncGenerator<Frame>): Promise<number | undefined> {
  const { value } = (await frames.next()) as { value?: Frame }
  return value?.payload.readUInt32BE(32)
}

function numbered(to: Buffer, number: number, bytes = 20_000): Buffer {
  const packet = Buffer.alloc(bytes)
  packet.writeUInt32BE(number, 0)
  return encodeFrame(FRAME.sendPacket, to, packet)
}

/** Connects clients and reads the relay's greetings. */
async function connected(relay: Relay, ...limits: readonly Partial<ConnectionLimits>[]) {
  const clients = limits.map((its) => connect(relay, its))
  for (const { introduce, frames } of clients) {
    introduce()
    expect([await kindOfNext(frames), await kindOfNext(frames)]).toEqual([FRAME.serverKey, FRAME.serverInfo])
  }
  return clients
}

async function kindOfNext(frames: AsyncGenerator<Frame>): Promise<number | undefined> {
  const { value } = (await frames.next()) as { value?: Frame }
  return value?.kind
}

test('a client that does not identify itself in time is disconnected', async () => {
  verifies('derp:limits')
  const { ended, frames } = connect(new Relay(() => true), { handshakeTimeoutMs: 10 })
  expect(await kindOfNext(frames)).toBe(FRAME.serverKey)
  expect(await ended).toBe('the client did not identify itself in time')
})

test('a client gets a keep-alive at each interval', async () => {
  verifies('derp:keep-alive')
  const { introduce, frames, stream } = connect(new Relay(() => true), { keepAliveMs: 5 })
  introduce()
  const kinds = []
  while (kinds.filter((kind) => kind === FRAME.keepAlive).length < 3) kinds.push(await kindOfNext(frames))
  expect(kinds[0]).toBe(FRAME.serverKey)
  stream.end()
})

test('a reader that reads nothing for too long is disconnected, and its peers are told', async () => {
  verifies('derp:limits')
  const relay = new Relay(() => true)
  const [sender, slow] = [connect(relay), connect(relay, { stallTimeoutMs: 20 })]
  for (const client of [sender, slow]) client.introduce()
  for (let index = 0; index < 2; index++) await kindOfNext(sender.frames)
  // The slow client sent something, so its receiver has to be told that it left.
  slow.stream.write(encodeFrame(FRAME.sendPacket, sender.key, Buffer.from('hello')))
  expect(await kindOfNext(sender.frames)).toBe(FRAME.receivePacket)
  for (let index = 0; index < 20; index++) sender.stream.write(encodeFrame(FRAME.sendPacket, slow.key, Buffer.alloc(60_000)))
  expect(await kindOfNext(sender.frames)).toBe(FRAME.peerGone)
  await slow.ended
  expect(relay.size).toBe(1)
  sender.stream.end()
})

test('what a client sends above its rate is delayed, and nothing is lost', async () => {
  verifies('derp:rate')
  const relay = new Relay(() => true)
  const [sender, receiver] = [connect(relay, { bytesPerSecond: 20_000 }), connect(relay, { maxPackets: 100 })]
  for (const client of [sender, receiver]) client.introduce()
  for (let index = 0; index < 2; index++) await kindOfNext(receiver.frames)
  for (let index = 0; index < 4; index++) sender.stream.write(encodeFrame(FRAME.sendPacket, receiver.key, Buffer.alloc(15_000)))
  for (let index = 0; index < 2; index++) expect(await kindOfNext(receiver.frames)).toBe(FRAME.receivePacket)
  expect(sender.far.isPaused()).toBe(true)
  for (let index = 2; index < 4; index++) expect(await kindOfNext(receiver.frames)).toBe(FRAME.receivePacket)
  for (const client of [sender, receiver]) client.stream.end()
})

test('a reader that is slower than its sender gets everything, in order, while the sender waits', async () => {
  verifies('derp:back-pressure')
  const [sender, reader] = (await connected(new Relay(() => true), {}, {})) as [Client, Client]
  for (let number = 0; number < 40; number++) sender.stream.write(numbered(reader.key, number))
  await vi.waitFor(() => expect(sender.far.isPaused()).toBe(true), 10_000)
  for (let number = 0; number < 40; number++) expect(await nextNumber(reader.frames)).toBe(number)
  expect(sender.far.isPaused()).toBe(false)
})

test('packets of all sizes wait for room within a limit of bytes', async () => {
  verifies('derp:back-pressure')
  const narrow = { maxPackets: 100, maxBytes: 50_000 }
  const [one, two, reader] = (await connected(new Relay(() => true), {}, {}, narrow)) as [Client, Client, Client]
  for (let number = 0; number < 60; number++) {
    one.stream.write(numbered(reader.key, number, number % 3 === 0 ? 64 * 1024 : 4))
    two.stream.write(numbered(reader.key, number, number % 5 === 0 ? 30_000 : 1_000))
  }
  let sum = 0
  for (let count = 0; count < 120; count++) sum += (await nextNumber(reader.frames)) ?? Number.NaN
  expect(sum).toBe(59 * 60)
})

test('senders that wait for the same reader take turns', async () => {
  verifies('derp:back-pressure')
  const [busy, brief, reader] = (await connected(new Relay(() => true), {}, {}, {})) as [Client, Client, Client]
  for (let number = 0; number < 100; number++) busy.stream.write(numbered(reader.key, number))
  await vi.waitFor(() => expect(busy.far.isPaused()).toBe(true), 10_000)
  for (let number = 1_000; number < 1_010; number++) brief.stream.write(numbered(reader.key, number))
  const arrived: number[] = []
  while (arrived.at(-1) !== 1_009) arrived.push((await nextNumber(reader.frames)) ?? Number.NaN)
  // What was on its way before the brief sender began, and one packet for each of its own.
  expect(arrived.length).toBeLessThan(40)
})

test('a reader that reads nothing, or next to nothing, holds its senders up once, and others get their packets', async () => {
  verifies('derp:back-pressure')
  const relay = new Relay(() => true)
  const [sender, dead, other] = (await connected(relay, {}, { patienceMs: 20, patienceBytes: 1024 * 1024 }, {})) as [Client, Client, Client]
  for (let number = 0; number < 100; number++) sender.stream.write(numbered(dead.key, number))
  sender.stream.write(numbered(other.key, 7))
  expect(await nextNumber(other.frames)).toBe(7)
  // The reader gets the newest ones, and is waited for again.
  const arrived: number[] = []
  while (arrived.at(-1) !== 99) arrived.push((await nextNumber(dead.frames)) ?? Number.NaN)
  expect(arrived.length).toBeLessThan(100)
  expect(arrived).toEqual(arrived.toSorted((a, b) => a - b))
})

test('a reader that leaves releases the senders that wait for it', async () => {
  verifies('derp:back-pressure')
  const [sender, leaving, other] = (await connected(new Relay(() => true), {}, {}, {})) as [Client, Client, Client]
  for (let number = 0; number < 40; number++) sender.stream.write(numbered(leaving.key, number))
  sender.stream.write(numbered(other.key, 7))
  await vi.waitFor(() => expect(sender.far.isPaused()).toBe(true), 10_000)
  leaving.stream.end()
  expect(await nextNumber(other.frames)).toBe(7)
})

test('a relay keeps nothing of clients that disconnected', async () => {
  const relay = new Relay(() => true)
  const clients = Array.from({ length: 5 }, () => connect(relay))
  for (const client of clients) client.introduce()
  for (const { frames } of clients) for (let index = 0; index < 2; index++) await kindOfNext(frames)
  expect(relay.size).toBe(5)
  for (const { stream } of clients) stream.end()
  await Promise.all(clients.map(async ({ ended }) => await ended))
  expect(relay.size).toBe(0)
})

test('a client that the deployment does not get to know in time is disconnected, one that it does is not', async () => {
  verifies('derp:known')
  const known = new Set<string>()
  const relay = new Relay((id) => known.has(id))
  const [stranger, friend] = [connect(relay, { strangerTimeoutMs: 50 }), connect(relay, { strangerTimeoutMs: 50 })]
  stranger.introduce()
  friend.introduce()
  expect(await kindOfNext(friend.frames)).toBe(FRAME.serverKey)
  known.add(friend.key.toString('base64'))
  expect(await stranger.ended).toBe('the coordinator does not know the client')
  expect(await kindOfNext(friend.frames)).toBe(FRAME.serverInfo)
  friend.stream.write(encodeFrame(FRAME.ping, Buffer.alloc(8)))
  expect(await kindOfNext(friend.frames)).toBe(FRAME.pong)
  friend.stream.destroy()
})

test('a stranger that sends a lot is disconnected, a known client is not', async () => {
  verifies('derp:known')
  for (const isKnown of [true, false]) {
    const { introduce, stream, ended, frames } = connect(new Relay(() => isKnown), { strangerBytes: 1024 })
    introduce()
    expect([await kindOfNext(frames), await kindOfNext(frames)]).toEqual([FRAME.serverKey, FRAME.serverInfo])
    for (let count = 0; count < 4; count++) stream.write(encodeFrame(FRAME.sendPacket, Buffer.alloc(32), Buffer.alloc(500)))
    stream.write(encodeFrame(FRAME.ping, Buffer.alloc(8)))
    if (isKnown) expect(await kindOfNext(frames)).toBe(FRAME.pong)
    else expect(await ended).toBe('the coordinator does not know the client, and it sent too much')
    stream.destroy()
  }
})
