import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** How many bytes went each way through {@link pipeBoth}. */
export interface PipedBytes {
  aToB: number
  bToA: number
}

/**
 * Joins two duplexes, each one's output to the other's input, until both directions are done.
 *
 * A slow side holds back the other. One side's end is passed on as an end, so the answer can still flow the other way (open TCP sockets with
 * `allowHalfOpen` for that). An error or a break on either side destroys both, a TCP socket with a reset. Resolves, never rejects, with the bytes moved, when both streams are closed: whoever needs the error listens on the streams.
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

/** Streams without autoDestroy stay half alive after both ends; nothing more can happen on them. */
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
    // The error is passed on by `close`, which always follows; without a listener it would end the process.
    stream.on('error', () => undefined)
    if (stream.closed) onClose()
    else stream.once('close', onClose)
  })
}

/** A TCP peer must not take a break for an end either, so it gets a reset. */
function breakOff(stream: Duplex, error: Error | undefined): void {
  if (stream instanceof Socket) stream.resetAndDestroy()
  else stream.destroy(error)
}

/** The other side is gone after a complete answer: deliver the rest of that answer, then stop reading for nobody. */
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
