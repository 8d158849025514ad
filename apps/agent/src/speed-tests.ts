import { TunnelRefusal, type SpeedTestTarget, type TunnelStream } from '@berth/tunnel'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** How many speed tests may run in a workspace at once. */
const maxSpeedTests = 4
const chunkBytes = 64 * 1024
/** How long bytes on their way may take to arrive after the end of a test, in milliseconds. */
const graceMs = 30_000

/** Sends and takes bytes that mean nothing, to measure how fast a connection carries them. */
export class SpeedTests {
  #running = 0

  /** Serves a test to its end. Refuses with 503 when too many run. */
  async serve(target: SpeedTestTarget, accept: () => TunnelStream): Promise<void> {
    if (this.#running >= maxSpeedTests) throw new TunnelRefusal(503, `${maxSpeedTests} speed tests are running. Wait for one to end.`)
    this.#running += 1
    const stream = accept()
    const stop = setTimeout(() => stream.destroy(), target.durationMs + graceMs)
    try {
      if (target.direction === 'down') await sendBytes(target, stream)
      else await takeBytes(target, stream)
    } catch {
      stream.destroy()
    } finally {
      clearTimeout(stop)
      this.#running -= 1
    }
  }
}

/** Sends random bytes, which nothing on the way can compress, until one of the limits. */
async function sendBytes({ durationMs, bytes }: SpeedTestTarget, stream: TunnelStream): Promise<void> {
  const chunk = randomBytes(chunkBytes)
  const endsAt = performance.now() + durationMs
  function* chunks(): Generator<Buffer> {
    for (let left = bytes; left > 0 && performance.now() < endsAt; left -= chunkBytes) yield chunk.subarray(0, left)
  }
  stream.resume()
  await pipeline(Readable.from(chunks(), { objectMode: false, highWaterMark: chunkBytes }), stream)
}

/** Takes bytes until their end, and answers with how many there were. */
async function takeBytes({ bytes }: SpeedTestTarget, stream: TunnelStream): Promise<void> {
  let taken = 0
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      taken += chunk.length
      if (taken > bytes) reject(new Error('The client sent more bytes than it announced'))
    })
    stream.once('end', resolve)
    stream.once('error', reject)
    stream.once('close', () => reject(new Error('The client broke off')))
  })
  stream.end(JSON.stringify({ bytes: taken }))
}
