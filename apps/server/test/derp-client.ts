import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import nacl from 'tweetnacl'
import { WebSocket, createWebSocketStream } from 'ws'

/** A frame as it came. */
export interface ReceivedFrame {
  readonly kind: number
  readonly payload: Buffer
}

/** A client of the relay that speaks the wire by hand, independently of the server's own code. */
export interface DerpClient {
  readonly key: Buffer
  readonly stream: Duplex
  /** What the server said of itself, once the boxes were opened. */
  readonly info: unknown
  readonly serverKey: Buffer
  send(to: Buffer, packet: Uint8Array): void
  write(frame: Buffer): void
  /** The next frame that is no keep-alive; rejects when the connection ends first. */
  next(): Promise<ReceivedFrame>
}

const MAGIC = Buffer.from('44455250f09f9491', 'hex')

/** A way to the relay: its stream of bytes after the HTTP request, and what was answered before. */
export interface Way {
  readonly stream: Duplex
  readonly reader: FrameSource
  readonly head: string
}

export function frame(kind: number, ...parts: Uint8Array[]): Buffer {
  const payload = Buffer.concat(parts)
  const header = Buffer.alloc(5)
  header[0] = kind
  header.writeUInt32BE(payload.length, 1)
  return Buffer.concat([header, payload])
}

/** `Upgrade: DERP` over HTTP/1.1; in a hurry, the server sends no answer to the request. */
export async function overHttp(url: string, { isFast = false } = {}): Promise<Way> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const lines = [
    'GET /derp HTTP/1.1',
    `Host: ${hostname}`,
    'Upgrade: DERP',
    'Connection: Upgrade',
    ...(isFast ? ['Derp-Fast-Start: 1'] : []),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const head = isFast ? '' : await readHead(socket)
  return { stream: socket, reader: new FrameSource(socket), head }
}

/** The same bytes in binary messages of a WebSocket. */
export async function overWebSocket(url: string): Promise<Way> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/derp`, 'derp')
  const stream = createWebSocketStream(socket)
  const reader = new FrameSource(stream)
  await once(socket, 'open')
  return { stream, reader, head: socket.protocol }
}

/** Introduces itself to the relay. */
export async function joinRelay({ stream, reader }: Way, keys = nacl.box.keyPair()): Promise<DerpClient> {
  const greeting = await reader.next()
  if (greeting.kind !== 0x01 || !greeting.payload.subarray(0, 8).equals(MAGIC)) throw new Error('that is no greeting of a relay')
  const serverKey = greeting.payload.subarray(8, 40)
  stream.write(clientInfo(keys, serverKey))
  const answer = await reader.next()
  if (answer.kind !== 0x03) throw new Error(`a frame of kind ${answer.kind} came in place of the server's info`)
  const opened = nacl.box.open(answer.payload.subarray(24), answer.payload.subarray(0, 24), serverKey, keys.secretKey)
  if (opened === null) throw new Error("the server's info cannot be opened")
  return {
    key: Buffer.from(keys.publicKey),
    stream,
    info: JSON.parse(Buffer.from(opened).toString('utf8')),
    serverKey,
    send: (to, packet) => stream.write(frame(0x04, to, packet)),
    write: (bytes) => stream.write(bytes),
    next: async () => await reader.next(),
  }
}

export function clientInfo(keys: nacl.BoxKeyPair, serverKey: Uint8Array, info: unknown = { version: 2, CanAckPings: true }): Buffer {
  const nonce = nacl.randomBytes(24)
  return frame(0x02, keys.publicKey, nonce, nacl.box(Buffer.from(JSON.stringify(info)), nonce, serverKey, keys.secretKey))
}

/** Resolves when the other side has ended a connection. */
export async function ended(stream: Duplex): Promise<void> {
  stream.resume()
  if (stream.destroyed || stream.readableEnded) return
  await new Promise<void>((resolve) => stream.once('end', resolve).once('close', resolve))
}

async function readHead(socket: Socket): Promise<string> {
  let head = Buffer.alloc(0)
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) continue
    socket.pause()
    const rest = head.subarray(end + 4)
    if (rest.length > 0) socket.unshift(rest)
    return head.subarray(0, end).toString('latin1')
  }
}

/** Frames in the order in which they come. */
class FrameSource {
  readonly #frames: ReceivedFrame[] = []
  #rest = Buffer.alloc(0)
  #wake: (() => void) | undefined
  #isOver = false

  constructor(stream: Duplex) {
    stream.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk])
      while (this.#rest.length >= 5 && this.#rest.length >= 5 + this.#rest.readUInt32BE(1)) {
        const end = 5 + this.#rest.readUInt32BE(1)
        const [kind = 0] = this.#rest
        if (kind !== 0x06) this.#frames.push({ kind, payload: this.#rest.subarray(5, end) })
        this.#rest = this.#rest.subarray(end)
      }
      this.#wake?.()
    })
    stream.resume()
    stream.on('error', () => stream.destroy())
    stream.on('close', () => {
      this.#isOver = true
      this.#wake?.()
    })
  }

  async next(): Promise<ReceivedFrame> {
    for (;;) {
      const next = this.#frames.shift()
      if (next !== undefined) return next
      if (this.#isOver) throw new Error('the relay ended the connection')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
