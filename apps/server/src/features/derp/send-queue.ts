import type { Duplex } from 'node:stream'
import { MAX_PACKET_BYTES } from './frames.ts'

/** How much may wait for one slow reader, and for how long. */
export interface SendQueueLimits {
  /** Senders wait while this many packets do. */
  readonly maxPackets: number
  /** Senders wait while this many bytes of packets do. */
  readonly maxBytes: number
  /** A reader has to read {@link patienceBytes} in this time, or its senders don't wait for it. */
  readonly patienceMs: number
  readonly patienceBytes: number
  /** A reader that reads nothing for this long is disconnected. */
  readonly stallTimeoutMs: number
}

export const SEND_QUEUE_LIMITS: SendQueueLimits = {
  maxPackets: 256,
  maxBytes: 8 * MAX_PACKET_BYTES,
  // A kernel with a large buffer reports room in bursts, which may be a second apart.
  patienceMs: 2_000,
  patienceBytes: MAX_PACKET_BYTES,
  stallTimeoutMs: 10_000,
}

/** A frame that waits for its reader. */
export interface WaitingFrame {
  readonly frame: Buffer
  /** Undefined for a packet. */
  readonly notice: string | undefined
}

/** Who sends a packet. */
export interface Sender {
  readonly id: string
  /** Called once when a packet that had to wait may be sent again. */
  readonly retry: () => void
}

/**
 * What waits, in order, for a reader that is slower than its senders. Senders share the room and
 * wait for it only while the reader reads: after that the oldest packets are dropped, as on any
 * network. Notices of the relay itself are never dropped.
 */
export class SendQueue {
  readonly #stream: Duplex
  readonly #limits: SendQueueLimits
  /** Packets by number, notices by name. */
  readonly #waiting = new Map<number | string, Buffer>()
  /** Senders that wait for room. */
  readonly #senders: Sender[] = []
  /** By sender: how many bytes it sent since senders began to wait. */
  readonly #sentBytes = new Map<string, number>()
  /** Notices that only concern this connection of the reader. */
  readonly #own = new Set<string>()
  #oldestPacket = 0
  #nextPacket = 0
  #packetBytes = 0
  #bytesRead = 0
  /** Set while a sender that waited may send one packet. */
  #isTurn = false
  /** Whether that packet was larger than the room. */
  #isTooLarge = false
  #isPatient = true
  #isClosed = false
  #patience: NodeJS.Timeout | undefined
  #stall: NodeJS.Timeout | undefined

  constructor(stream: Duplex, limits: SendQueueLimits) {
    this.#stream = stream
    this.#limits = limits
    stream.on('drain', () => {
      clearTimeout(this.#stall)
      this.#stall = undefined
      this.#flush()
    })
    stream.on('close', () => {
      clearTimeout(this.#stall)
      this.#close()
    })
  }

  /** Sends a packet now or later. Returns false if its sender has to wait for room. */
  sendPacket(frame: Buffer, sender: Sender): boolean {
    const isTurn = this.#isTurn
    this.#isTurn = false
    if (this.#isClosed) return true
    if (this.#isPatient && (!this.#hasRoom(frame.length) || (this.#senders.length > 0 && !isTurn))) {
      if (isTurn) this.#isTooLarge = true
      this.#senders.push(sender)
      this.#watch()
      return false
    }
    if (this.#stall !== undefined) this.#sentBytes.set(sender.id, (this.#sentBytes.get(sender.id) ?? 0) + frame.length)
    this.#put(frame)
    return true
  }

  /**
   * Sends a frame that must arrive. Of several waiting under one name, the last is sent in the
   * place of the first.
   */
  sendNotice(name: string, frame: Buffer): void {
    if (this.#isClosed) return
    if (this.#stall === undefined) this.#write(frame)
    else this.#waiting.set(name, frame)
  }

  /** Sends a notice that means nothing to a later connection of the same reader. */
  sendOwnNotice(name: string, frame: Buffer): void {
    this.#own.add(name)
    this.sendNotice(name, frame)
  }

  /** Sends what waited for an earlier connection of the reader. */
  inherit(waiting: readonly WaitingFrame[]): void {
    for (const { frame, notice } of waiting) {
      if (notice === undefined) this.#put(frame)
      else this.sendNotice(notice, frame)
    }
  }

  /** Passes on what waits. Further frames are dropped, and senders try again elsewhere. */
  handOver(inherit: (waiting: readonly WaitingFrame[]) => void): void {
    const waiting = [...this.#waiting].filter(([key]) => typeof key === 'number' || !this.#own.has(key))
    inherit(waiting.map(([key, frame]) => ({ frame, notice: typeof key === 'string' ? key : undefined })))
    this.#close()
  }

  #close(): void {
    this.#isClosed = true
    this.#waiting.clear()
    clearTimeout(this.#patience)
    this.#releaseSenders()
  }

  #hasRoom(bytes: number): boolean {
    const packets = this.#nextPacket - this.#oldestPacket
    return packets === 0 || (packets < this.#limits.maxPackets && this.#packetBytes + bytes <= this.#limits.maxBytes)
  }

  /** Sends a packet, or lets it wait. Drops the oldest ones if there is no room. */
  #put(frame: Buffer): void {
    if (this.#stall === undefined) return this.#write(frame)
    while (!this.#hasRoom(frame.length)) this.#take(this.#oldestPacket)
    this.#waiting.set(this.#nextPacket++, frame)
    this.#packetBytes += frame.length
    return undefined
  }

  #flush(): void {
    for (const key of this.#waiting.keys()) {
      if (this.#stall !== undefined) break
      const frame = this.#take(key)
      if (frame !== undefined) this.#write(frame)
    }
    if (this.#waiting.size === 0) this.#isPatient = true
    this.#admitSenders()
  }

  /**
   * Takes one packet of each waiting sender until there is no room. Those that sent the least come
   * first.
   */
  #admitSenders(): void {
    while (this.#senders.length > 0 && this.#hasRoom(0)) {
      const sender = this.#nextSender()
      this.#isTurn = true
      this.#isTooLarge = false
      sender?.retry()
      this.#isTurn = false
      if (this.#isTooLarge) return
    }
    if (this.#senders.length === 0 && this.#waiting.size === 0) this.#sentBytes.clear()
  }

  #nextSender(): Sender | undefined {
    const sentBytes = this.#senders.map(({ id }) => this.#sentBytes.get(id) ?? 0)
    return this.#senders.splice(sentBytes.indexOf(Math.min(...sentBytes)), 1)[0]
  }

  /** Stops being patient if the reader reads too little while senders wait. */
  #watch(): void {
    if (this.#patience !== undefined) return
    this.#bytesRead = 0
    this.#patience = setTimeout(() => {
      this.#patience = undefined
      if (this.#senders.length === 0) return
      if (this.#bytesRead >= this.#limits.patienceBytes) return this.#watch()
      this.#isPatient = false
      this.#releaseSenders()
    }, this.#limits.patienceMs)
  }

  #releaseSenders(): void {
    for (const { retry } of this.#senders.splice(0)) retry()
  }

  /** Removes a waiting frame. Packets leave in the order they came in. */
  #take(key: number | string): Buffer | undefined {
    const frame = this.#waiting.get(key)
    this.#waiting.delete(key)
    if (typeof key === 'number') {
      this.#oldestPacket = key + 1
      this.#packetBytes -= frame?.length ?? 0
    }
    return frame
  }

  #write(frame: Buffer): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return
    this.#bytesRead += frame.length
    if (!this.#stream.write(frame)) this.#stall = setTimeout(() => this.#stream.destroy(), this.#limits.stallTimeoutMs)
  }
}
