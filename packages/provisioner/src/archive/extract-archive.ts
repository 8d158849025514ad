import { constants } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Extract } from 'tar-stream'
import { boundExtendedHeaders } from './bound-extended-headers.ts'

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never

/** Limits on the content of an archive. */
export interface ArchiveLimits {
  /** Longer files are truncated (Coder v2 API, v0.13.4: 10 MiB). */
  readonly maxFileBytes: number
  /** The limit for all files together. */
  readonly maxTotalBytes: number
  /** The limit for entries of any kind. */
  readonly maxEntries: number
}

/** The limits for template archives. */
export const defaultArchiveLimits: ArchiveLimits = {
  maxFileBytes: 10 * 1024 * 1024,
  maxTotalBytes: 100 * 1024 * 1024,
  maxEntries: 10_000,
}

/**
 * Thrown for an archive that can't be packed or extracted. The message names the entry or the path.
 */
export class ArchiveError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ArchiveError'
  }
}

/**
 * Extracts a plain tar file into an existing directory that nobody else writes to.
 *
 * Extracts directories and regular files, and skips links, devices and all other entries. Tolerates
 * a missing end-of-archive marker, creates missing parent directories, and turns a mode of 0 into
 * 0600 (Coder v2 API, v0.13.4). Throws {@link ArchiveError} for an entry that leads outside the
 * directory, an absolute path, or an archive that exceeds its limits.
 */
export async function extractArchive(
  archive: Uint8Array | AsyncIterable<Uint8Array>,
  directory: string,
  limits: ArchiveLimits = defaultArchiveLimits,
): Promise<void> {
  const unpack = extract()
  const chunks = archive instanceof Uint8Array ? chunksOf(archive) : archive
  const source = Readable.from(boundExtendedHeaders(chunks, (reason) => new ArchiveError(reason)))
  const fed = pipeline(source, unpack)
  fed.catch(() => {})
  const place: Place = { words: 'before the first entry' }
  try {
    await writeEntries(unpack, { directory, limits, place })
    await fed
  } catch (error) {
    unpack.destroy()
    source.destroy()
    if (error instanceof ArchiveError) throw error
    // The loop may only see that the extractor was destroyed. The pipeline knows why.
    const cause: unknown = await fed.then(
      () => error,
      (reason: unknown) => reason,
    )
    throw new ArchiveError(`the archive is not a complete, plain tar file: ${messageOf(cause)}, ${place.words}`, { cause })
  }
}

/** The progress of an extraction, worded to end an error message. */
interface Place {
  words: string
}

interface Extraction {
  readonly directory: string
  readonly limits: ArchiveLimits
  readonly place: Place
}

async function writeEntries(entries: AsyncIterable<Entry>, { directory, limits, place }: Extraction): Promise<void> {
  let count = 0
  let totalBytes = 0
  for await (const entry of entries) {
    const { name, type } = entry.header
    place.words = `in entry ${quote(name)}`
    count += 1
    if (count > limits.maxEntries) throw new ArchiveError(`entry ${quote(name)}: the archive has more than ${limits.maxEntries} entries`)
    const path = join(directory, ...entryPath(name))
    try {
      if (type === 'directory') await mkdir(path, { recursive: true, mode: 0o700 })
      else if (type === 'file' || type === 'contiguous-file') {
        await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
        totalBytes += await writeFile(path, entry, Math.min(limits.maxFileBytes, limits.maxTotalBytes - totalBytes + 1))
        if (totalBytes > limits.maxTotalBytes)
          throw new ArchiveError(`entry ${quote(name)}: the files exceed ${limits.maxTotalBytes} bytes in total`)
      }
    } catch (error) {
      // Errors of the file system have a syscall. All others are about the archive itself.
      if (!(error instanceof Error) || !('syscall' in error)) throw error
      throw new ArchiveError(`entry ${quote(name)} can't be extracted: ${withoutPath(error)}`, { cause: error })
    }
    entry.resume()
    place.words = `after entry ${quote(name)}`
  }
}

/**
 * Returns the parts of an entry's path. Throws {@link ArchiveError} for a path that leads outside
 * the directory, with the reference's text: `tar attempts to target relative upper directory`.
 */
export function entryPath(name: string): string[] {
  const slashed = sep === '\\' ? name.replaceAll('\\', '/') : name
  if (name.includes('\0')) throw new ArchiveError(`entry ${quote(name)}: a path can't contain a NUL character`)
  if (slashed.startsWith('/') || (sep === '\\' && /^[a-z]:/i.test(name))) {
    throw new ArchiveError(`tar attempts to target relative upper directory: entry ${quote(name)} is an absolute path`)
  }
  const parts: string[] = []
  for (const part of slashed.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw new ArchiveError(`tar attempts to target relative upper directory: entry ${quote(name)}`)
  }
  return parts
}

async function writeFile(path: string, entry: Entry, maxBytes: number): Promise<number> {
  const mode = (entry.header.mode ?? 0) & 0o700
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0)
  const file = await open(path, flags, mode === 0 ? 0o600 : mode | 0o600)
  try {
    return await copyUpTo(entry, file, maxBytes)
  } finally {
    await file.close()
  }
}

async function copyUpTo(entry: Entry, file: FileHandle, maxBytes: number): Promise<number> {
  let written = 0
  for await (const chunk of entry) {
    const kept = (chunk as Uint8Array).subarray(0, maxBytes - written) // the extractor passes on parts of its input
    if (kept.length > 0) await file.writeFile(kept)
    written += kept.length
  }
  return written
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  const chunkBytes = 64 * 1024
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) yield bytes.subarray(offset, offset + chunkBytes)
}

/**
 * Returns a file system error without the server's path, which users must not see: `ENAMETOOLONG:
 * name too long`.
 */
function withoutPath({ message }: Error): string {
  return message.split(', ', 1)[0] ?? message
}

function quote(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
