import type { Duplex } from 'node:stream'

/** Longest datagram that a length of two bytes can state. */
export const maxDatagramBytes = 65_535
/** How long a stream lasts after its last datagram, in milliseconds. */
const datagramIdleMs = 60_000
const lengthBytes = 2
const nothing = Buffer.alloc(0)

interface DatagramStreamOptions {
  readonly onDatagram: (bytes: Buffer) => void
  /** Default {@link datagramIdleMs}. */
  readonly idleMs?: number
}

/**
 * Datagrams over one stream, each after its length in two bytes. Both ends use it.
 *
 * As with UDP, a datagram that there is no room for is lost, and the stream ends once none has
 * passed for a while.
 */
export class DatagramStream {
  readonly #stream: Duplex
  readonly #onDatagram: (bytes: Buffer) => void
  readonly #idle: NodeJS.Timeout
  #unread: Buffer = nothing

  constructor(stream: Duplex, { onDatagram, idleMs = datagramIdleMs }: DatagramStreamOptions) {
    this.#stream = stream
    this.#onDatagram = onDatagram
    this.#idle = setTimeout(() => stream.destroy(), idleMs)
    this.#idle.unref()
    stream.once('close', () => clearTimeout(this.#idle))
    stream.once('end', () => stream.end())
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  /** Sends a datagram, or drops it while the stream is full. */
  send(bytes: Buffer): void {
    if (bytes.length > maxDatagramBytes || !this.#stream.writable || this.#stream.writableNeedDrain) return
    this.#idle.refresh()
    const length = Buffer.allocUnsafe(lengthBytes)
    length.writeUInt16BE(bytes.length)
    this.#stream.write(Buffer.concat([length, bytes]))
  }

  #read(chunk: Buffer): void {
    this.#idle.refresh()
    let unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    while (unread.length >= lengthBytes) {
      const end = lengthBytes + unread.readUInt16BE()
      if (unread.length < end) break
      this.#onDatagram(unread.subarray(lengthBytes, end))
      unread = unread.subarray(end)
    }
    this.#unread = unread
  }
}
