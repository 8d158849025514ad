/*
 * Frames of DERP, the relay protocol of Tailscale's public `derp` package (version 2): one byte of
 * type, four bytes of length, most significant first, and that many bytes of payload.
 */

export const PROTOCOL_VERSION = 2
export const KEY_BYTES = 32
export const NONCE_BYTES = 24
/** Begins the first frame of the server. */
export const MAGIC = Buffer.from('DERP🔑')
/** Largest packet that the relay passes on. */
export const MAX_PACKET_BYTES = 64 * 1024

const HEADER_BYTES = 5

export const FRAME = {
  serverKey: 0x01,
  clientInfo: 0x02,
  serverInfo: 0x03,
  sendPacket: 0x04,
  receivePacket: 0x05,
  keepAlive: 0x06,
  notePreferred: 0x07,
  peerGone: 0x08,
  forwardPacket: 0x0a,
  watchConnections: 0x10,
  closePeer: 0x11,
  ping: 0x12,
  pong: 0x13,
} as const

export interface Frame {
  readonly kind: number
  readonly payload: Buffer
}

/** A peer broke the protocol. Its connection closes. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

export function encodeFrame(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(kind, 0)
  header.writeUInt32BE(
    parts.reduce((length, part) => length + part.length, 0),
    1,
  )
  return Buffer.concat([header, ...parts])
}

/** Splits a byte stream into frames. Buffers at most one frame and one chunk. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
  }

  /**
   * Returns the next frame once all of it has arrived. Its payload is a view of the received bytes.
   *
   * @param maxBytes returns the longest payload of a kind.
   * @throws ProtocolError for a longer payload, before it is received.
   */
  next(maxBytes: (kind: number) => number): Frame | undefined {
    if (this.#rest.length < HEADER_BYTES) return undefined
    const [kind, length] = [this.#rest.readUInt8(0), this.#rest.readUInt32BE(1)]
    if (length > maxBytes(kind))
      throw new ProtocolError(`a frame of kind ${kind} has ${length} bytes; at most ${maxBytes(kind)} are allowed`)
    const end = HEADER_BYTES + length
    if (this.#rest.length < end) return undefined
    const payload = this.#rest.subarray(HEADER_BYTES, end)
    this.#rest = this.#rest.subarray(end)
    return { kind, payload }
  }
}
