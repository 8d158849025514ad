import { constants } from 'node:fs'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pack, type Pack } from 'tar-stream'
import { ArchiveError } from './extract-archive.ts'

export { ArchiveError } from './extract-archive.ts'

/** The files of a template must be smaller than this in total (Coder v2 API, v0.13.4). */
export const maxTemplateBytes = 1024 * 1024

/**
 * Packs a template's folder as a plain tar file. The same files always give the same bytes. The
 * folder must directly contain a `template.yaml` or a `*.tf` file. Leaves out hidden files and
 * folders, and every path that contains `.tfstate`. Keeps folders, and links as links (Coder v2
 * API, v0.13.4).
 *
 * `isAnyFolder` skips the check for those files, for templates of other kinds.
 *
 * Throws {@link ArchiveError} if the folder is not a template or is too big.
 */
export async function createArchive(
  directory: string,
  { isAnyFolder = false }: { readonly isAnyFolder?: boolean } = {},
): Promise<Uint8Array> {
  const root = resolve(directory)
  const names = await readdir(root).catch((error: unknown) => {
    throw new ArchiveError(`can't read ${root}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  })
  if (!isAnyFolder && !names.some((name) => name === 'template.yaml' || (name.endsWith('.tf') && !name.startsWith('.')))) {
    throw new ArchiveError(`${root} is not a template: it contains neither a template.yaml nor a *.tf file`)
  }
  const tar = pack()
  const collected = buffer(tar)
  try {
    await packFolder(tar, { root, below: '', totalBytes: 0 })
    tar.finalize()
  } catch (error) {
    tar.destroy()
    await collected.catch(() => {})
    throw error
  }
  return new Uint8Array(await collected)
}

interface Walk {
  readonly root: string
  readonly below: string
  readonly totalBytes: number
}

/**
 * Packs the content of a folder in alphabetical order. Returns the number of bytes packed so far.
 */
async function packFolder(tar: Pack, { root, below, totalBytes }: Walk): Promise<number> {
  let total = totalBytes
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = below === '' ? name : `${below}/${name}`
    if (name.startsWith('.') || path.includes('.tfstate')) continue
    const stats = await lstat(join(root, path))
    const header = { name: path, mode: stats.mode & 0o777, mtime: new Date(0) }
    if (stats.isDirectory()) {
      tar.entry({ ...header, name: `${path}/`, type: 'directory' })
      total = await packFolder(tar, { root, below: path, totalBytes: total })
    } else if (stats.isSymbolicLink()) {
      tar.entry({ ...header, type: 'symlink', linkname: await readlink(join(root, path)) })
    } else if (stats.isFile()) {
      const content = await readSmall(join(root, path), maxTemplateBytes - total)
      total += content.length
      tar.entry(header, content)
    }
  }
  return total
}

/**
 * Reads a file that must be smaller than the rest of the limit, even if it grows while it is read.
 */
async function readSmall(path: string, leftBytes: number): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  try {
    const content = Buffer.alloc(Math.max(leftBytes, 1))
    let length = 0
    for (let read = -1; read !== 0 && length < content.length; length += read)
      read = (await file.read(content, length, content.length - length)).bytesRead
    if (length >= leftBytes) {
      throw new ArchiveError(
        `Archive too big: the files of a template must be smaller than ${maxTemplateBytes / 1024 ** 2} MiB in total, and ${path} exceeds that; remove files or hide them with a dot`,
      )
    }
    return content.subarray(0, length)
  } finally {
    await file.close()
  }
}
