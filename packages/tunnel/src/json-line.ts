import type { Readable, Writable } from 'node:stream'

const newline = 10

/** Writes a value as one line of JSON. Returns false when the stream wants the writer to wait. */
export function writeJsonLine(stream: Writable, value: unknown): boolean {
  return stream.write(`${JSON.stringify(value)}\n`)
}

/**
 * Reads one line of JSON. What follows it stays in the stream, which nobody may have read from
 * before. Rejects for a line that is too long or isn't JSON, and when the stream ends first.
 */
export async function readJsonLine(stream: Readable, maxBytes: number): Promise<unknown> {
  const line = await readLine(stream, maxBytes)
  const value: unknown = JSON.parse(line)
  return value
}

function readLine(stream: Readable, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const settle = (): void => {
      stream.removeListener('readable', read)
      stream.removeListener('end', onEnd)
      stream.removeListener('error', fail)
      stream.removeListener('close', onEnd)
    }
    const fail = (error: Error): void => {
      settle()
      reject(error)
    }
    const onEnd = (): void => fail(new Error('The stream ended before its first line did.'))
    const read = (): void => {
      for (let chunk = readChunk(stream); chunk !== undefined; chunk = readChunk(stream)) {
        const end = chunk.indexOf(newline)
        bytes += end === -1 ? chunk.length : end
        if (bytes > maxBytes) return fail(new Error(`The first line of the stream is longer than ${maxBytes} bytes.`))
        chunks.push(end === -1 ? chunk : chunk.subarray(0, end))
        if (end === -1) continue
        settle()
        if (end + 1 < chunk.length) stream.unshift(chunk.subarray(end + 1))
        resolve(Buffer.concat(chunks).toString('utf8'))
        return
      }
    }
    stream.on('readable', read)
    stream.once('end', onEnd)
    stream.once('error', fail)
    stream.once('close', onEnd)
    if (stream.destroyed || stream.readableEnded) onEnd()
  })
}

/** Returns what has arrived; undefined when there is nothing yet. */
function readChunk(stream: Readable): Buffer | undefined {
  // Byte streams have buffers, whatever the type says.
  return (stream.read() as Buffer | null) ?? undefined
}
