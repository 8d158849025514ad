/**
 * HTTP/2 frames written by hand (RFC 9113, 4.1), for peers that say what no library lets them say.
 */

/** What the client's side sends before its first frame. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const FRAME_TYPE = { data: 0x0, headers: 0x1, reset: 0x3, settings: 0x4, pushPromise: 0x5, ping: 0x6, goAway: 0x7 } as const
export const END_STREAM = 0x1
export const END_HEADERS = 0x4

const HEADER_BYTES = 9

export interface RawFrame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Uint8Array
}

export function rawFrame({ type, flags, streamId, payload }: RawFrame): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(streamId, 5)
  return Buffer.concat([header, payload])
}

export const rawSettings = rawFrame({ type: FRAME_TYPE.settings, flags: 0, streamId: 0, payload: Buffer.alloc(0) })

/** A HEADERS frame whose fields are HPACK literals, in the order given and without any check. */
export function rawHeaders(streamId: number, fields: readonly (readonly [name: string, value: string])[], flags = END_HEADERS): Buffer {
  const literals = fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), rawText(name), rawText(value)]))
  return rawFrame({ type: FRAME_TYPE.headers, flags, streamId, payload: Buffer.concat(literals) })
}

export function rawReset(streamId: number): Buffer {
  return rawFrame({ type: FRAME_TYPE.reset, flags: 0, streamId, payload: Buffer.from([0, 0, 0, 8]) })
}

/** A string of fewer than 127 bytes, without Huffman coding. */
function rawText(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length > 126) throw new Error('the length of longer strings takes more than one byte')
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

/** Cuts what a peer sends into frames. */
export class RawFrameReader {
  #rest: Buffer = Buffer.alloc(0)
  #skip: number

  /** @param prefaceBytes what comes before the first frame. */
  constructor(prefaceBytes = 0) {
    this.#skip = prefaceBytes
  }

  read(chunk: Buffer): RawFrame[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    if (this.#rest.length < this.#skip) return []
    this.#rest = this.#rest.subarray(this.#skip)
    this.#skip = 0
    const frames: RawFrame[] = []
    for (;;) {
      if (this.#rest.length < HEADER_BYTES) return frames
      const end = HEADER_BYTES + this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < end) return frames
      frames.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        streamId: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(HEADER_BYTES, end),
      })
      this.#rest = this.#rest.subarray(end)
    }
  }
}
