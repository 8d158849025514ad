import type { Duplex } from 'node:stream'
import { FRAME, FrameReader, KEY_BYTES, MAX_PACKET_BYTES, ProtocolError, encodeFrame, type Frame } from './frames.ts'
import { readClientKey, serverInfoFrame, serverKeyFrame, type ServerKey } from './handshake.ts'
import { LastWord, ReadGate, Throttle, type Hold, type LastWordLimits } from './read-gate.ts'
import { peerId, type Peer, type Relay } from './relay.ts'
import { SEND_QUEUE_LIMITS, SendQueue, type SendQueueLimits } from './send-queue.ts'
import { StrangerWatch, type StrangerLimits } from './stranger-watch.ts'

/** Limits on one connection of the relay. */
export interface ConnectionLimits extends SendQueueLimits, StrangerLimits, LastWordLimits {
  /** What a client sends above this rate is read later. */
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
  replacedQuietMs: 250,
  replacedTimeoutMs: 10_000,
}

const MAX_INFO_BYTES = 16 * 1024
const PING_BYTES = 8

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
export async function serveConnection(stream: Duplex, serving: Serving): Promise<string> {
  return await new Connection(stream, serving).serve()
}

class Connection {
  readonly #stream: Duplex
  readonly #serving: Serving
  readonly #reader = new FrameReader()
  readonly #queue: SendQueue
  readonly #gate: ReadGate
  readonly #throttle: Throttle
  readonly #strangers: StrangerWatch
  #peer: Peer | undefined
  /** Set once a newer connection of the client took the place of this one. */
  #lastWord: LastWord | undefined
  #reason = 'the client disconnected'

  constructor(stream: Duplex, serving: Serving) {
    const { relay, limits } = serving
    this.#stream = stream
    this.#serving = serving
    this.#queue = new SendQueue(stream, limits)
    this.#gate = new ReadGate(stream)
    this.#throttle = new Throttle(this.#gate, limits.bytesPerSecond)
    this.#strangers = new StrangerWatch(relay, limits)
  }

  async serve(): Promise<string> {
    const { relay, serverKey, limits } = this.#serving
    const timers = [
      setTimeout(() => {
        if (this.#peer === undefined) this.#end('the client did not identify itself in time')
      }, limits.handshakeTimeoutMs),
      setInterval(() => this.#queue.sendOwnNotice('alive', encodeFrame(FRAME.keepAlive)), limits.keepAliveMs),
    ]
    this.#stream.on('data', (chunk: Buffer) => {
      this.#lastWord?.heard()
      this.#throttle.count(chunk.length)
      this.#reader.push(chunk)
      this.#read()
    })
    this.#queue.sendOwnNotice('key', serverKeyFrame(serverKey))
    this.#stream.on('error', (error) => (this.#reason = error.message))
    await this.#closed()
    for (const timer of timers) clearTimeout(timer)
    this.#throttle.stop()
    this.#strangers.stop()
    this.#lastWord?.said()
    if (this.#peer !== undefined) relay.leave(this.#peer)
    return this.#reason
  }

  /**
   * Resolves when the stream is gone. The end of what a client sends is the end of its connection,
   * unless that is ending in good order already.
   */
  async #closed(): Promise<void> {
    this.#stream.on('end', () => {
      if (this.#lastWord === undefined) this.#stream.destroy()
      else this.#lastWord.said()
    })
    await new Promise<void>((resolve) => {
      this.#stream.on('close', resolve)
    })
  }

  #end(why: string): void {
    this.#reason = why
    this.#stream.destroy()
  }

  /** Answers the frames that have arrived, up to one that has to wait. */
  #read(): void {
    try {
      while (!this.#stream.destroyed && !this.#gate.has('room') && !this.#gate.has('turn')) {
        const frame = this.#reader.next(this.#peer === undefined ? () => MAX_INFO_BYTES : maxBytesOf)
        if (frame === undefined) return
        if (this.#peer === undefined) this.#peer = this.#begin(frame)
        else this.#answer(this.#peer, frame)
      }
    } catch (error) {
      // An error thrown out of a listener would end the process.
      this.#end(error instanceof ProtocolError ? error.message : `the relay failed: ${String(error)}`)
    }
  }

  #continue(hold: Hold): void {
    this.#gate.release(hold)
    this.#read()
  }

  #begin(frame: Frame): Peer {
    const { relay, serverKey, limits, identified } = this.#serving
    const key = readClientKey(frame, serverKey)
    this.#queue.sendOwnNotice('info', serverInfoFrame(key, serverKey, limits))
    const joining: Peer = {
      key,
      id: peerId(key),
      sendPacket: (packet, sender) => this.#queue.sendPacket(packet, sender),
      sendNotice: (name, notice) => this.#queue.sendNotice(name, notice),
      inherit: (waiting) => this.#queue.inherit(waiting),
      giveWay: (heir, done) => this.#giveWay(heir, done),
      close: (why) => this.#end(why),
    }
    // What the client sent over its earlier connection comes first.
    if (relay.join(joining, () => this.#continue('turn'))) this.#gate.hold('turn')
    identified?.(joining.id)
    this.#strangers.start(joining)
    return joining
  }

  #giveWay(heir: Peer, done: () => void): void {
    this.#reason = 'the client opened a newer connection'
    this.#lastWord = new LastWord(this.#stream, this.#gate, { limits: this.#serving.limits, done })
    this.#queue.handOver((waiting) => heir.inherit(waiting))
    this.#stream.end()
  }

  /** @throws ProtocolError */
  #answer(peer: Peer, frame: Frame): void {
    this.#strangers.count(peer, frame)
    const { kind, payload } = frame
    switch (kind) {
      case FRAME.sendPacket:
        if (payload.length < KEY_BYTES) throw new ProtocolError('a packet has no receiver')
        return this.#relay(peer, { to: payload.subarray(0, KEY_BYTES), packet: payload.subarray(KEY_BYTES) })
      case FRAME.ping:
        if (payload.length !== PING_BYTES) throw new ProtocolError(`a ping has ${payload.length} bytes, not ${PING_BYTES}`)
        return this.#queue.sendOwnNotice('pong', encodeFrame(FRAME.pong, payload))
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

  /** Passes a packet on. While it waits for its receiver, nothing more is read. */
  #relay(peer: Peer, packet: { readonly to: Buffer; readonly packet: Buffer }): void {
    const retry = (): void => {
      if (!this.#stream.destroyed && this.#serving.relay.send(peer, packet, retry)) this.#continue('room')
    }
    if (!this.#serving.relay.send(peer, packet, retry)) this.#gate.hold('room')
  }
}

function maxBytesOf(kind: number): number {
  return kind === FRAME.sendPacket ? KEY_BYTES + MAX_PACKET_BYTES : MAX_PACKET_BYTES
}
