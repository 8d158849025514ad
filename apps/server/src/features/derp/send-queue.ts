import type { Duplex } from 'node:stream'
import { MAX_PACKET_BYTES } from './frames.ts'

/** How much may wait for one slow reader, and for how long. */
export interface SendQueueLimits {
  /** Beyond this many waiting packets the oldest is dropped. */
  readonly maxPackets: number
  /** Beyond this many bytes of waiting packets the oldest is dropped. */
  readonly maxBytes: number
  /** A reader that reads nothing for this long is disconnected. */
  readonly stallTimeoutMs: number
}

export const SEND_QUEUE_LIMITS: SendQueueLimits = { maxPackets: 32, maxBytes: 8 * MAX_PACKET_BYTES, stallTimeoutMs: 10_000 }

/**
 * What waits, in order, for a reader that is slower than its senders. Packets may be dropped, as on
 * any network; notices of the relay itself may not.
 */
export class SendQueue {
  readonly #stream: Duplex
  readonly #limits: SendQueueLimits
  /** Packets by number, notices by name. */
  readonly #waiting = new Map<number | string, Buffer>()
  #oldestPacket = 0
  #nextPacket = 0
  #packetBytes = 0
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
      this.#waiting.clear()
    })
  }

  /** Sends a packet now or later, or drops it when newer ones need its place. */
  sendPacket(frame: Buffer): void {
    if (this.#stall === undefined) return this.#write(frame)
    this.#waiting.set(this.#nextPacket++, frame)
    this.#packetBytes += frame.length
    while (this.#nextPacket - this.#oldestPacket > this.#limits.maxPackets || this.#packetBytes > this.#limits.maxBytes)
      this.#take(this.#oldestPacket)
    return undefined
  }

  /**
   * Sends a frame that must arrive. Of several waiting under one name, the last is sent in the
   * place of the first.
   */
  sendNotice(name: string, frame: Buffer): void {
    if (this.#stall === undefined) this.#write(frame)
    else this.#waiting.set(name, frame)
  }

  #flush(): void {
    for (const key of this.#waiting.keys()) {
      if (this.#stall !== undefined) return
      const frame = this.#take(key)
      if (frame !== undefined) this.#write(frame)
    }
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
    if (this.#stream.destroyed || this.#stream.writableEnded || this.#stream.write(frame)) return
    this.#stall = setTimeout(() => this.#stream.destroy(), this.#limits.stallTimeoutMs)
  }
}
