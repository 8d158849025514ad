import { finished, type Readable } from 'node:stream'
import { Failure } from '@berth/schema'

/**
 * Reads as many bytes as an agent announced. Throws `agent_failed` when there are fewer or more.
 */
export async function readBytes(stream: Readable, count: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= count) chunks.push(chunk)
      else stream.destroy()
    })
    finished(stream, { writable: false }, (error) => (error && bytes <= count ? reject(broken(error)) : resolve()))
  })
  stream.destroy()
  if (bytes !== count) throw broken()
  return Buffer.concat(chunks, count)
}

function broken(cause?: unknown): Failure {
  return new Failure('agent_failed', { detail: 'It sent another number of bytes than it announced.', cause })
}
