/** Bytes on one of the channels that share a stream. */
export interface Frame {
  /** 0 to 255; what it means is up to the two ends. */
  readonly channel: number
  readonly bytes: Buffer
}

const headerBytes = 5

/** Returns a frame as bytes: the channel, the length in four bytes, and the content. */
export function encodeFrame(channel: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + bytes.length)
  frame.writeUInt8(channel, 0)
  frame.writeUInt32BE(bytes.length, 1)
  frame.set(bytes, headerBytes)
  return frame
}

/** Splits a byte stream into frames. */
export class FrameReader {
  readonly #maxBytes: number
  #waiting: Buffer[] = []
  #waitingBytes = 0

  /** @param maxBytes the longest content that is accepted. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Returns the frames that a chunk completes. Throws for a frame that is too long. */
  read(chunk: Buffer): Frame[] {
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    const frames: Frame[] = []
    for (let length = this.#nextLength(); length !== undefined; length = this.#nextLength()) {
      const all = this.#joined()
      frames.push({ channel: all.readUInt8(0), bytes: all.subarray(headerBytes, headerBytes + length) })
      const rest = all.subarray(headerBytes + length)
      this.#waiting = rest.length === 0 ? [] : [rest]
      this.#waitingBytes = rest.length
    }
    return frames
  }

  /** Returns the length of the next frame's content; undefined until all of it has arrived. */
  #nextLength(): number | undefined {
    if (this.#waitingBytes < headerBytes) return undefined
    const first = this.#waiting[0]
    const header = first !== undefined && first.length >= headerBytes ? first : this.#joined()
    const length = header.readUInt32BE(1)
    if (length > this.#maxBytes) throw new Error(`A frame has ${length} bytes; at most ${this.#maxBytes} are accepted.`)
    return this.#waitingBytes >= headerBytes + length ? length : undefined
  }

  #joined(): Buffer {
    const [first, ...more] = this.#waiting
    if (first !== undefined && more.length === 0) return first
    const joined = Buffer.concat(this.#waiting)
    this.#waiting = [joined]
    return joined
  }
}
