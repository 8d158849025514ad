import type { Duplex } from 'node:stream'

/** Reads a stream to its end. Unlike node:stream/consumers it leaves the writable side alone. */
export function readAll(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks)))
    stream.once('error', reject)
    stream.once('close', () => reject(new Error('closed before the end')))
  })
}
