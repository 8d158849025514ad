import type { Duplex } from 'node:stream'
import { FRAME, FrameReader, KEY_BYTES, MAX_PACKET_BYTES, ProtocolError, encodeFrame, type Frame } from './frames.ts'
import { readClientKey, serverInfoFrame, serverKeyFrame, type ServerKey } from './handshake.ts'
import { peerId, type Peer, type Relay } from './relay.ts'
import { SEND_QUEUE_LIMITS, SendQueue, type SendQueueLimits } from './send-queue.ts'
import { StrangerWatch, type StrangerLimits } from './stranger-watch.ts'

/** Limits on one connection of the relay. */
export interface ConnectionLimits extends SendQueueLimits, StrangerLimits {
  /** A client that sends more is read again in the next second. */
  readonly bytesPerSecond: number
  /** How long a client may take to identify itself. */
  readonly handshakeTimeoutMs: number
  /** How often the relay tells a client that it is there. */
  readonly keepAliveMs: number
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  ...SEND_QUEUE_LIMITS,
  bytesPerSecond: 16 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  keepAliveMs: 60_000,
  strangerTimeoutMs: 60_000,
  strangerBytes: 1024 * 1024,
}

const MAX_INFO_BYTES = 16 * 1024
const PING_BYTES = 8
const WINDOW_MS = 1_000

interface Serving {
  readonly relay: Relay
  readonly serverKey: ServerKey
  readonly limits: ConnectionLimits
  /** Called when the client has proved its key. */
  readonly identified?: (id: string) => void
}

/**
 * Serves one client of the relay until either side ends the connection. Resolves with the reason;
 * never rejects.
 */
export async function serveConnection(stream: Duplex, { relay, serverKey, limits, identified }: Serving): Promise<string> {
  const queue = new SendQueue(stream, limits)
  const reader = new FrameReader()
  let peer: Peer | undefined
  let reason = 'the client disconnected'
  const end = (why: string): void => {
    reason = why
    stream.destroy()
  }
  const begin = (frame: Frame): Peer => {
    const key = readClientKey(frame, serverKey)
    queue.sendNotice('info', serverInfoFrame(key, serverKey, limits))
    const joining: Peer = {
      key,
      id: peerId(key),
      sendPacket: (packet) => queue.sendPacket(packet),
      sendNotice: (name, notice) => queue.sendNotice(name, notice),
      close: end,
    }
    relay.join(joining)
    identified?.(joining.id)
    strangers.start(joining)
    return joining
  }
  const strangers = new StrangerWatch(relay, limits)
  const timers = [
    setTimeout(() => {
      if (peer === undefined) end('the client did not identify itself in time')
    }, limits.handshakeTimeoutMs),
    setInterval(() => queue.sendNotice('alive', encodeFrame(FRAME.keepAlive)), limits.keepAliveMs),
  ]
  const throttle = new Throttle(stream, limits.bytesPerSecond)
  stream.on('data', (chunk: Buffer) => {
    throttle.count(chunk.length)
    reader.push(chunk)
    try {
      while (!stream.destroyed) {
        const frame = reader.next(peer === undefined ? () => MAX_INFO_BYTES : maxBytesOf)
        if (frame === undefined) return
        if (peer === undefined) peer = begin(frame)
        else {
          strangers.count(peer, frame)
          answer(peer, frame, relay)
        }
      }
    } catch (error) {
      // An error thrown out of a listener would end the process.
      end(error instanceof ProtocolError ? error.message : `the relay failed: ${String(error)}`)
    }
  })
  queue.sendNotice('key', serverKeyFrame(serverKey))
  stream.on('error', (error) => (reason = error.message))
  await closed(stream)
  for (const timer of timers) clearTimeout(timer)
  throttle.stop()
  strangers.stop()
  if (peer !== undefined) relay.leave(peer)
  return reason
}

/**
 * Resolves when the stream is gone. The end of what a client sends is the end of its connection.
 */
async function closed(stream: Duplex): Promise<void> {
  stream.on('end', () => stream.destroy())
  await new Promise<void>((resolve) => {
    stream.on('close', resolve)
  })
}

function maxBytesOf(kind: number): number {
  return kind === FRAME.sendPacket ? KEY_BYTES + MAX_PACKET_BYTES : MAX_PACKET_BYTES
}

function answer(peer: Peer, { kind, payload }: Frame, relay: Relay): void {
  switch (kind) {
    case FRAME.sendPacket:
      if (payload.length < KEY_BYTES) throw new ProtocolError('a packet has no receiver')
      return relay.send(peer, payload.subarray(0, KEY_BYTES), payload.subarray(KEY_BYTES))
    case FRAME.ping:
      if (payload.length !== PING_BYTES) throw new ProtocolError(`a ping has ${payload.length} bytes, not ${PING_BYTES}`)
      return peer.sendNotice('pong', encodeFrame(FRAME.pong, payload))
    case FRAME.notePreferred:
      // Only meshed relays use the preference, for their statistics.
      if (payload.length !== 1) throw new ProtocolError(`a preference has ${payload.length} bytes, not 1`)
      return undefined
    case FRAME.forwardPacket:
    case FRAME.watchConnections:
    case FRAME.closePeer:
      throw new ProtocolError('this relay does not mesh with others')
    default:
      // Newer clients may send frames that this relay doesn't know.
      return undefined
  }
}

/** Pauses a stream that brings more than a number of bytes in one second until the next. */
class Throttle {
  readonly #stream: Duplex
  readonly #bytesPerSecond: number
  #bytes = 0
  #window: NodeJS.Timeout | undefined

  constructor(stream: Duplex, bytesPerSecond: number) {
    this.#stream = stream
    this.#bytesPerSecond = bytesPerSecond
  }

  count(bytes: number): void {
    this.#bytes += bytes
    this.#window ??= setTimeout(() => this.#reset(), WINDOW_MS)
    if (this.#bytes > this.#bytesPerSecond) this.#stream.pause()
  }

  stop(): void {
    clearTimeout(this.#window)
  }

  #reset(): void {
    this.#bytes = Math.max(0, this.#bytes - this.#bytesPerSecond)
    this.#window = undefined
    if (this.#bytes > 0) this.#window = setTimeout(() => this.#reset(), WINDOW_MS)
    if (this.#bytes <= this.#bytesPerSecond) this.#stream.resume()
  }
}
