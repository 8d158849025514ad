import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { CallFailure } from '../calls/call-failure.ts'

const chunkBytes = 256 * 1024

/** A file that is open for reading. */
export interface OpenFile {
  size: number
  /** Its bytes. The file closes when they have been read, or the stream is destroyed. */
  bytes: Readable
}

/** Opens a file. A length of -1 is all that comes after the offset. */
export async function openForReading(path: string, { offset, length }: { offset: number; length: number }): Promise<OpenFile> {
  // Without the flag, opening a pipe would wait for somebody who writes to it.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    if (!stats.isFile())
      throw new CallFailure(
        'invalid_path',
        `There is ${stats.isDirectory() ? 'a folder' : 'something else'}, not a file, at ${JSON.stringify(path)}.`,
      )
    return { size: stats.size, bytes: bytesOf(handle, offset, length) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

function bytesOf(handle: FileHandle, offset: number, length: number): Readable {
  // A length of 0 has no last byte, so a stream of it cannot be described to the file.
  if (length === 0) return Readable.from([]).once('close', () => handle.close().catch(() => undefined))
  return handle.createReadStream({ start: offset, ...(length > 0 && { end: offset + length - 1 }), highWaterMark: chunkBytes })
}
