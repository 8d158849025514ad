import { duplexPair, type Duplex } from 'node:stream'
import { verifies } from '@berth/requirements'
import nacl from 'tweetnacl'
import { expect, test } from 'vitest'
import { serveConnection, type ConnectionLimits } from './connection.ts'
import { FRAME, FrameReader, encodeFrame, type Frame } from './frames.ts'
import { serverKeyOf } from './handshake.ts'
import { Relay } from './relay.ts'

const LIMITS: ConnectionLimits = {
  maxPackets: 4,
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

/** Yields frames as they arrive. Reading starts with the first request for one. */
async function* framesOf(stream: Duplex): AsyncGenerator<Frame> {
  const reader = new FrameReader()
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    reader.push(chunk)
    for (let frame = reader.next(() => 1024 * 1024); frame !== undefined; frame = reader.next(() => 1024 * 1024)) yield frame
  }
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
