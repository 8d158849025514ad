import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** How many bytes {@link pipeBoth} moved each way. */
export interface PipedBytes {
  aToB: number
  bToA: number
}

/**
 * Pipes each of two duplexes into the other until both have closed. Returns the bytes moved.
 *
 * Each side waits for the other when that one is slow. An end is passed on as an end, so the other
 * direction can go on (open TCP sockets with `allowHalfOpen` for that). An error or a break on
 * either side destroys both; a TCP socket is reset. Never rejects: listen on the streams for
 * errors.
 */
export async function pipeBoth(a: Duplex, b: Duplex): Promise<PipedBytes> {
  const moved: PipedBytes = { aToB: 0, bToA: 0 }
  const closed = Promise.all([closing(a, b), closing(b, a)])
  forward(a, b, (bytes) => (moved.aToB += bytes))
  forward(b, a, (bytes) => (moved.bToA += bytes))
  await closed
  return moved
}

function forward(from: Duplex, to: Duplex, count: (bytes: number) => void): void {
  from.on('data', (chunk: Buffer) => {
    count(chunk.length)
    if (to.destroyed || to.writableEnded) return
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.once('end', () => {
    if (!to.destroyed) to.end()
    destroyWhenDone(from)
    destroyWhenDone(to)
  })
  from.once('finish', () => destroyWhenDone(from))
}

/**
 * Destroys a stream that has ended both ways, which streams without `autoDestroy` don't do
 * themselves.
 */
function destroyWhenDone(stream: Duplex): void {
  if (stream.readableEnded && stream.writableFinished) stream.destroy()
}

function closing(stream: Duplex, other: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const onClose = (): void => {
      if (stream.readableEnded && !stream.errored) endAfterFlush(other)
      else breakOff(other, stream.errored ?? undefined)
      resolve()
    }
    // `close` always follows and passes the error on; without a listener the error would end the
    // process.
    stream.on('error', () => undefined)
    if (stream.closed) onClose()
    else stream.once('close', onClose)
  })
}

/**
 * Destroys a stream. A TCP socket is reset, so that its peer doesn't mistake the break for an end.
 */
function breakOff(stream: Duplex, error: Error | undefined): void {
  if (stream instanceof Socket) stream.resetAndDestroy()
  else stream.destroy(error)
}

/**
 * Writes out what the other side sent before it closed, then destroys the stream. What it still
 * sends is dropped.
 */
function endAfterFlush(stream: Duplex): void {
  if (stream.destroyed) return
  if (stream.writableFinished) {
    stream.destroy()
    return
  }
  stream.once('finish', () => stream.destroy())
  stream.end()
  stream.resume()
}
