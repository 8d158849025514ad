import { constants, type Http2Stream } from 'node:http2'
import { Duplex } from 'node:stream'
import { type TunnelClosed, TunnelStreamReset } from './failures.ts'
import { streamBufferBytes } from './flow-control.ts'

/** Counts of one stream: bytes, and the chunks they came in. */
export interface StreamCounts {
  bytesRead: number
  bytesWritten: number
  chunksRead: number
  chunksWritten: number
}

/**
 * One stream of a tunnel as a plain duplex.
 *
 * Node's HTTP/2 stream comes close, but to its peer a destroyed one looks like one that ended well,
 * so truncated bytes would pass for complete ones. Here only `end()` gives the peer an end;
 * `destroy()` gives it an error. When the peer has sent everything and stops reading, writes at
 * this end fail while the bytes it sent stay readable.
 */
export class TunnelStream extends Duplex {
  /** What this end has read and written so far. */
  readonly moved: StreamCounts = { bytesRead: 0, bytesWritten: 0, chunksRead: 0, chunksWritten: 0 }
  readonly #carrier: Http2Stream
  readonly #tunnelClosed: () => TunnelClosed | undefined
  readonly #target: string
  #onDrain: ((error?: Error) => void) | undefined
  #carrierEnded = false

  constructor(carrier: Http2Stream, target: string, tunnelClosed: () => TunnelClosed | undefined) {
    super({ allowHalfOpen: true, highWaterMark: streamBufferBytes })
    this.#carrier = carrier
    this.#target = target
    this.#tunnelClosed = tunnelClosed
    carrier.on('data', (chunk: Buffer) => {
      this.moved.bytesRead += chunk.length
      this.moved.chunksRead += 1
      if (!this.push(chunk)) carrier.pause()
    })
    carrier.pause()
    carrier.once('end', () => {
      // Node also ends a reset stream; only one that closed without an error code is complete.
      if (carrier.rstCode !== constants.NGHTTP2_NO_ERROR || tunnelClosed()) return
      this.#carrierEnded = true
      this.push(null)
    })
    carrier.on('drain', () => this.#settleWrite())
    // Deferred, so that the caller of dial() can attach listeners before the stream breaks.
    const onClose = (): void => void setImmediate(() => this.#onCarrierClose())
    if (carrier.destroyed) onClose()
    else carrier.once('close', onClose)
    // `close` follows, with the code that tells the cause.
    carrier.on('error', () => undefined)
    // A broken connection breaks all its streams at once; one without a listener must not end the
    // process.
    this.on('error', () => undefined)
  }

  override _read(): void {
    this.#carrier.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#carrier.destroyed || this.#carrier.closed) {
      callback(this.#breakError())
      return
    }
    this.moved.bytesWritten += chunk.length
    this.moved.chunksWritten += 1
    if (this.#carrier.write(chunk)) callback()
    else this.#onDrain = callback
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#carrier.destroyed || this.#carrier.closed) {
      callback(this.#carrierEnded ? null : this.#breakError())
      return
    }
    let called = false
    const once = (error?: Error): void => {
      if (called) return
      called = true
      callback(error)
    }
    this.#onDrain = once
    this.#carrier.end(() => this.#settleWrite())
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const carrier = this.#carrier
    this.#onDrain = undefined
    if (!carrier.destroyed && !carrier.closed) {
      if (!error && this.writableFinished) carrier.close(constants.NGHTTP2_NO_ERROR)
      else breakOff(carrier)
      // Unread bytes would keep the carrier from closing.
      carrier.resume()
    }
    callback(error)
  }

  #settleWrite(error?: Error): void {
    const onDrain = this.#onDrain
    this.#onDrain = undefined
    onDrain?.(error)
  }

  #onCarrierClose(): void {
    if (this.destroyed) return
    if (!this.#carrierEnded || this.#tunnelClosed()) {
      this.destroy(this.#breakError())
      return
    }
    if (this.writableFinished) return
    // The peer has sent everything and stopped reading: fail the pending write, keep unread bytes
    // readable.
    if (this.#onDrain) this.#settleWrite(this.writableEnded && this.writableLength === 0 ? undefined : this.#breakError())
  }

  #breakError(): Error {
    const closed = this.#tunnelClosed()
    if (closed) return closed
    const cause =
      this.#carrier.rstCode === constants.NGHTTP2_REFUSED_STREAM
        ? 'the far end accepts no more streams'
        : 'the far end closed it before it was complete'
    return new TunnelStreamReset(`The stream to "${this.#target}" broke off: ${cause}.`)
  }
}

/** Closes an HTTP/2 stream so that its peer sees a reset and nothing else. */
export function breakOff(carrier: Http2Stream): void {
  // Node's close() ends the writable side first, and the peer may see that end before the reset:
  // truncated bytes would look complete.
  carrier.end = () => carrier
  carrier.close(constants.NGHTTP2_INTERNAL_ERROR)
}
