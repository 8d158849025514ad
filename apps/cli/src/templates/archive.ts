import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pack } from 'tar-stream'
import { CommandError } from '../failures.ts'

/** Content of a template that is packed at most, in bytes (Coder v2 API, v0.13.4: template archive). */
export const maxTemplateBytes = 1024 * 1024

interface Entry {
  /** Relative to the template, with slashes. */
  readonly path: string
  readonly kind: 'file' | 'directory' | 'symlink'
}

/**
 * Packs a template's folder into a plain tar. Hidden files and everything with `.tfstate` in its path stay out. The same content makes the
 * same bytes wherever and whenever it is packed, so that the server recognises an upload it has.
 *
 * @throws CommandError when there is a megabyte of content or more.
 */
export async function packTemplate(folder: string): Promise<Uint8Array> {
  const archive = pack()
  const chunks: Buffer[] = []
  const packed = (async () => {
    for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk)
  })()
  // Awaited below; until then a failure here has nobody listening.
  packed.catch(() => undefined)
  let bytes = 0
  for await (const { path, kind } of walk(folder, '')) {
    const common = { mtime: new Date(0), uid: 0, gid: 0 }
    if (kind === 'directory') {
      archive.entry({ ...common, name: `${path}/`, type: 'directory', mode: 0o755 })
    } else if (kind === 'symlink') {
      archive.entry({ ...common, name: path, type: 'symlink', linkname: await readlink(join(folder, path)), mode: 0o777 })
    } else {
      const content = await readFile(join(folder, path))
      bytes += content.length
      if (bytes >= maxTemplateBytes) {
        archive.destroy()
        throw new CommandError(`Archive too big: ${folder} holds a megabyte or more.`, {
          help: 'A template is text; leave out what is not needed, or put it where the template can fetch it.',
        })
      }
      archive.entry({ ...common, name: path, mode: 0o644 }, content)
    }
  }
  archive.finalize()
  await packed
  return Buffer.concat(chunks)
}

async function* walk(root: string, below: string): AsyncGenerator<Entry> {
  const entries = await readdir(join(root, below), { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.name.startsWith('.') || path.includes('.tfstate')) continue
    if (entry.isDirectory()) {
      yield { path, kind: 'directory' }
      yield* walk(root, path)
    } else if (entry.isSymbolicLink()) {
      yield { path, kind: 'symlink' }
    } else if (entry.isFile()) {
      yield { path, kind: 'file' }
    }
  }
}
