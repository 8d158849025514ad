import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { runs } from '@berth/vitest/fuzz'
import { verifies } from '@berth/requirements'
import nacl from 'tweetnacl'
import { expect, onTestFinished, test } from 'vitest'
import { CONNECTION_LIMITS, serveConnection, type ConnectionLimits } from './connection.ts'
import { FRAME, FrameReader, encodeFrame, type Frame } from './frames.ts'
import { serverKeyOf } from './handshake.ts'
import { Relay } from './relay.ts'

const PACKET_BYTES = 1_400
const serverKey = serverKeyOf(nacl.randomBytes(32))

/** A connection to the relay over TCP that is read only on request. */
interface Connected {
  readonly socket: Socket
  readonly frames: AsyncGenerator<Frame>
}

interface Identity {
  readonly keys: nacl.BoxKeyPair
  readonly key: Buffer
}

function identity(): Identity {
  const keys = nacl.box.keyPair()
  return { keys, key: Buffer.from(keys.publicKey) }
}

/** Serves a relay over TCP until the test ends. Returns a function that connects a client. */
async function startRelay(limits: Partial<ConnectionLimits> = {}): Promise<(as: Identity) => Promise<Connected>> {
  const relay = new Relay(() => true)
  const quick = { ...CONNECTION_LIMITS, bytesPerSecond: 1024 ** 3, patienceMs: 60_000, patienceBytes: 1, replacedTimeoutMs: 60_000 }
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)))
    void serveConnection(socket, { relay, serverKey, limits: { ...quick, ...limits } })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo // of a TCP server
  return async ({ keys }) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    const nonce = nacl.randomBytes(24)
    const box = nacl.box(Buffer.from('{}'), nonce, serverKey.publicKey, keys.secretKey)
    socket.write(encodeFrame(FRAME.clientInfo, keys.publicKey, nonce, box))
    const frames = framesOf(socket)
    expect([await kindOfNext(frames), await kindOfNext(frames)]).toEqual([FRAME.serverKey, FRAME.serverInfo])
    return { socket, frames }
  }
}

async function* framesOf(socket: Socket): AsyncGenerator<Frame> {
  const reader = new FrameReader()
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    reader.push(chunk)
    for (let frame = reader.next(() => 1024 * 1024); frame !== undefined; frame = reader.next(() => 1024 * 1024)) yield frame
  }
}

async function kindOfNext(frames: AsyncGenerator<Frame>): Promise<number | undefined> {
  const { value } = (await frames.next()) as { value?: Frame }
  return value?.kind
}

function numbered(to: Identity, number: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES)
  packet.writeUInt32BE(number, 0)
  return encodeFrame(FRAME.sendPacket, to.key, packet)
}

/** Reads the next numbered packet. */
async function nextNumber(frames: AsyncGenerator<Frame>): Promise<number> {
  for (;;) {
    const { value, done } = (await frames.next()) as { value?: Frame; done?: boolean }
    if (done === true) throw new Error('the connection ended')
    if (value?.kind === FRAME.receivePacket) return value.payload.readUInt32BE(32)
  }
}

/** A client that sends numbered packets to another one and connects again every few of them. */
class Roamer {
  readonly me = identity()
  readonly received: number[] = []
  readonly #connectAs: (as: Identity) => Promise<Connected>
  /** Those that are not read to their end yet. */
  readonly #unread: Connected[] = []
  #socket: Socket | undefined
  #connected = (): void => {}

  constructor(connectAs: (as: Identity) => Promise<Connected>) {
    this.#connectAs = connectAs
  }

  async connect(): Promise<Socket> {
    const connected = await this.#connectAs(this.me)
    this.#unread.push(connected)
    this.#socket?.end()
    this.#socket = connected.socket
    this.#connected()
    return connected.socket
  }

  async send(to: Identity, { packets, reconnectEvery }: { packets: number; reconnectEvery: number }): Promise<void> {
    let socket = this.#socket ?? (await this.connect())
    for (let number = 0; number < packets; number++) {
      if (number % reconnectEvery === reconnectEvery - 1) socket = await this.connect()
      if (!socket.write(numbered(to, number))) await once(socket, 'drain')
    }
  }

  async receive(packets: number): Promise<void> {
    while (this.received.length < packets) {
      const [connected] = this.#unread
      if (connected === undefined) {
        await new Promise<void>((resolve) => (this.#connected = resolve))
        continue
      }
      const { value, done } = (await connected.frames.next()) as { value?: Frame; done?: boolean }
      if (done === true) this.#unread.shift()
      else if (value?.kind === FRAME.receivePacket) this.received.push(value.payload.readUInt32BE(32))
    }
  }
}

test('two clients that reconnect again and again while they send to each other lose nothing, and everything stays in order', async () => {
  verifies('derp:reconnect', 'derp:back-pressure')
  const packets = runs(12_000)
  const connectAs = await startRelay({ maxPackets: 16, replacedQuietMs: 60_000 })
  const [one, two] = [new Roamer(connectAs), new Roamer(connectAs)]
  await Promise.all([one.connect(), two.connect()])
  await Promise.all([
    one.send(two.me, { packets, reconnectEvery: 1_500 }),
    two.send(one.me, { packets, reconnectEvery: 1_100 }),
    one.receive(packets),
    two.receive(packets),
  ])
  const everything = Array.from({ length: packets }, (_, index) => index)
  expect(one.received).toEqual(everything)
  expect(two.received).toEqual(everything)
}, 60_000)

test('a newer connection hears that a sender left, whose packets the earlier one got', async () => {
  verifies('derp:peer-gone')
  const connectAs = await startRelay()
  const [sender, reader] = [identity(), identity()]
  const [from, first] = [await connectAs(sender), await connectAs(reader)]
  from.socket.write(numbered(reader, 1))
  expect(await nextNumber(first.frames)).toBe(1)
  const second = await connectAs(reader)
  first.socket.end()
  from.socket.end()
  expect(await kindOfNext(second.frames)).toBe(FRAME.peerGone)
})
