import { existsSync } from 'node:fs'
import { lstat, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { runs } from '@berth/vitest/fuzz'
import { array, assert, constantFrom, oneof, property, string } from 'fast-check'
import { pack, type Header } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ArchiveError, entryPath, extractArchive } from './extract-archive.ts'

type TarEntry = Partial<Header> & { name: string; content?: string | Uint8Array }

async function tarOf(entries: readonly TarEntry[]): Promise<Uint8Array> {
  const tar = pack()
  for (const { content = '', ...header } of entries) tar.entry(header, content)
  tar.finalize()
  return await buffer(tar)
}

interface BlockFields {
  readonly type: string
  readonly size?: string
}

/** A header whose fields may be anything, with the right checksum. */
function block(name: string, { type, size = '00000000000' }: BlockFields): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644', 100)
  header.write(size, 124)
  header.write(type, 156)
  header.write('ustar\u000000', 257)
  return withChecksum(header)
}

function withChecksum(header: Buffer): Buffer {
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0`, 148)
  return header
}

/** A pax header or a GNU long name, with its content. */
function extended(type: string, content: string): Buffer[] {
  const bytes = Buffer.from(content)
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512)
  return [block('extended', { type, size: bytes.length.toString(8).padStart(11, '0') }), bytes, padding]
}

/** One field of a pax header, after its own length. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const length = rest.length + String(rest.length + 1).length
  return `${rest.length + String(length).length}${rest}`
}

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size)
}

let parent: string
let directory: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'berth-archive-'))
  directory = await mkdtemp(join(parent, 'into-'))
})

afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

const small = { maxFileBytes: 1_000, maxTotalBytes: 2_000, maxEntries: 10 }

describe('extractArchive', () => {
  test('the error for a truncated archive says where it ends', async () => {
    const tar = await tarOf([
      { name: 'one', content: 'x'.repeat(512) },
      { name: 'two', content: 'x'.repeat(512) },
    ])
    const cuts = [
      [300, 'before the first entry'],
      [512 + 100, 'in entry "one"'],
      [1024 + 300, 'after entry "one"'],
      [1024 + 512 + 1, 'in entry "two"'],
    ] as const
    for (const [bytes, place] of cuts)
      await expect(extractArchive(tar.subarray(0, bytes), directory), place).rejects.toThrow(
        `the archive is not a complete, plain tar file: Unexpected end of data, ${place}`,
      )
  })

  test('an error does not contain paths of the server', async () => {
    const tar = await tarOf([{ name: 'n'.repeat(300), content: 'x' }])
    const failure: unknown = await extractArchive(tar, directory).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ArchiveError)
    expect(String(failure)).toMatch(/can't be extracted: ENAMETOOLONG: name too long$/)
    expect(String(failure)).not.toContain(directory)
  })

  test('files and directories are extracted, and missing parents are created', async () => {
    await extractArchive(
      await tarOf([
        { name: 'a/', type: 'directory' },
        { name: 'a/b.txt', content: 'b' },
        { name: './c/d/e', content: 'e' },
      ]),
      directory,
    )
    expect(await readFile(join(directory, 'a/b.txt'), 'utf8')).toBe('b')
    expect(await readFile(join(directory, 'c/d/e'), 'utf8')).toBe('e')
  })

  test('a missing end-of-archive marker is tolerated', async () => {
    const tar = await tarOf([{ name: 'a', content: 'x'.repeat(700) }])
    await extractArchive(tar.subarray(0, 512 + 1024), directory)
    expect((await stat(join(directory, 'a'))).size).toBe(700)
  })

  test('an empty archive extracts to nothing', async () => {
    await extractArchive(new Uint8Array(), directory)
    expect(await readdir(directory)).toEqual([])
  })

  test('an archive can be a stream', async () => {
    const tar = await tarOf([{ name: 'a', content: 'x'.repeat(3_000) }])
    async function* bytewise(): AsyncGenerator<Uint8Array> {
      for (let offset = 0; offset < tar.length; offset += 97) yield tar.subarray(offset, offset + 97)
    }
    await extractArchive(bytewise(), directory)
    expect((await stat(join(directory, 'a'))).size).toBe(3_000)
  })

  test('mode 0 becomes 0600, and other users get no access', async () => {
    await extractArchive(
      await tarOf([
        { name: 'zero', mode: 0 },
        { name: 'run', mode: 0o6777 },
      ]),
      directory,
    )
    expect((await stat(join(directory, 'zero'))).mode & 0o7777).toBe(0o600)
    expect((await stat(join(directory, 'run'))).mode & 0o7777).toBe(0o700)
  })

  test.each(['../x', 'a/../../x', '..', '/etc/passwd', './../x'])('the entry %s is refused with its name', async (name) => {
    const failure = extractArchive(await tarOf([{ name, content: 'x' }]), directory)
    await expect(failure).rejects.toThrow(/tar attempts to target relative upper directory/)
    await expect(failure).rejects.toThrow(JSON.stringify(name))
    expect(existsSync(join(parent, 'x'))).toBe(false)
  })

  test('links and devices are skipped, and nothing is written through them', async () => {
    await extractArchive(
      await tarOf([
        { name: 'link', type: 'symlink', linkname: '/etc' },
        { name: 'hard', type: 'link', linkname: '/etc/passwd' },
        { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
        { name: 'pipe', type: 'fifo' },
        { name: 'link/x', content: 'inside' },
      ]),
      directory,
    )
    expect(await readdir(directory)).toEqual(['link'])
    expect((await lstat(join(directory, 'link'))).isDirectory()).toBe(true)
    expect(await readFile(join(directory, 'link/x'), 'utf8')).toBe('inside')
  })

  test('a file is truncated at its limit', async () => {
    await extractArchive(
      await tarOf([
        { name: 'big', content: 'x'.repeat(5_000) },
        { name: 'next', content: 'n' },
      ]),
      directory,
      small,
    )
    expect((await stat(join(directory, 'big'))).size).toBe(1_000)
    expect(await readFile(join(directory, 'next'), 'utf8')).toBe('n')
  })

  test('the entry that exceeds the total size is named', async () => {
    const entries = ['a', 'b', 'c'].map((name) => ({ name, content: 'x'.repeat(900) }))
    await expect(extractArchive(await tarOf(entries), directory, small)).rejects.toThrow('entry "c": the files exceed 2000 bytes in total')
  })

  test('the entry that exceeds the number of entries is named', async () => {
    const entries = Array.from({ length: 11 }, (_, index) => ({ name: `f${index}` }))
    await expect(extractArchive(await tarOf(entries), directory, small)).rejects.toThrow(
      'entry "f10": the archive has more than 10 entries',
    )
  })

  test('an entry below a file is named', async () => {
    const tar = await tarOf([
      { name: 'a', content: 'file' },
      { name: 'a/b', content: 'x' },
    ])
    await expect(extractArchive(tar, directory)).rejects.toThrow(/^entry "a\/b" can't be extracted: E[A-Z]+: [a-z ]+$/)
  })

  test.each([
    ['gzip', Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(2_000, 7)])],
    ['too short', Buffer.from('hello')],
  ])('a file that is not a tar file is refused: %s', async (_, bytes) => {
    const failure = extractArchive(bytes, directory)
    await expect(failure).rejects.toThrow(ArchiveError)
    await expect(failure).rejects.toThrow('the archive is not a complete, plain tar file')
  })

  test.each([
    ['8 GiB', '77777777777'],
    ['a negative number of bytes', '-0000000001'],
    ['no number of bytes', 'many bytes!'],
  ])('an entry that claims %s is refused', async (_what, size) => {
    await expect(extractArchive(block('huge', { type: '0', size }), directory)).rejects.toThrow(
      'the archive is not a complete, plain tar file',
    )
  })

  test.each([
    ['8 GiB', '8589934592'],
    ['a negative number of bytes', '-1'],
    ['no number of bytes', 'many'],
  ])('a pax header that claims %s for its entry is refused', async (_what, size) => {
    const tar = Buffer.concat([...extended('x', record('size', size)), block('huge', { type: '0' })])
    await expect(extractArchive(tar, directory)).rejects.toThrow('the archive is not a complete, plain tar file')
  })

  test.each(['x', 'g', 'L', 'K', 'N'])('an extended header of type %s has at most 64 KiB', async (type) => {
    const longest = record('comment', 'x'.repeat(65_521))
    expect(longest).toHaveLength(65_536)
    const content = type === 'x' || type === 'g' ? longest : 'x/'.repeat(32_768)
    await extractArchive(Buffer.concat([...extended('x', longest), block('fits', { type: '0' })]), directory)
    expect(await readdir(directory)).toEqual(['fits'])
    const tar = Buffer.concat([...extended(type, `${content}x`), block('late', { type: '0' })])
    await expect(extractArchive(tar, directory)).rejects.toThrow(new ArchiveError('an extended header has more than 65536 bytes'))
  })

  test('the fields of a global header count again for each header that they are added to', async () => {
    const global = extended('g', record('comment', 'x'.repeat(60_000)))
    const entry = [...extended('x', record('comment', '')), block('file', { type: '0' })]
    const tar = Buffer.concat([...global, ...Array.from({ length: 300 }, () => entry).flat()])
    await expect(extractArchive(tar, directory)).rejects.toThrow(new ArchiveError('the extended headers have more than 16777216 bytes'))
  })

  test.each(['00000000000', '-0000000001', 'many bytes!'])('an extended header of the size %s is refused', async (size) => {
    const tar = Buffer.concat([block('empty', { type: 'x', size }), ...extended('x', record('path', 'late')), block('late', { type: '0' })])
    await expect(extractArchive(tar, directory)).rejects.toThrow(new ArchiveError('an extended header has no content'))
  })

  test('an extended header is found whatever way its numbers are written, wherever a chunk ends', async () => {
    const header = block('big', { type: 'x' })
    header.set([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0], 124)
    withChecksum(header)
    const sum = Number.parseInt(header.toString('latin1', 148, 156), 8)
    const binary = Buffer.from(header)
    binary.set([0x80, 0, 0, 0, 0, 0, sum >> 8, sum & 0xff], 148)
    const padded = Buffer.from(header)
    padded.write(` \u00a0${sum.toString(8)}`, 148)
    for (const bytes of [header, binary, padded]) {
      const tar = Buffer.concat([bytes, Buffer.alloc(131_072)])
      for (const size of [1, 500, 512, 700])
        await expect(extractArchive(piecesOf(tar, size), directory)).rejects.toThrow('an extended header has more than 65536 bytes')
    }
  })

  test('a file may contain what looks like the beginning of an extended header', async () => {
    const content = Buffer.alloc(2_048, 'x')
    await extractArchive(await tarOf([{ name: 'notes', content }]), directory)
    expect(await readFile(join(directory, 'notes'))).toEqual(content)
  })

  test('a truncated archive is refused', async () => {
    const tar = await tarOf([{ name: 'a', content: 'x'.repeat(5_000) }])
    await expect(extractArchive(tar.subarray(0, 3_000), directory)).rejects.toThrow('Unexpected end of data')
  })
})

describe('entryPath', () => {
  const part = oneof(constantFrom('.', '..', '', 'a', 'A', 'b.tf', '...', ' ', '\\', '~', 'C:', '-rf', '%2e%2e'), string({ maxLength: 6 }))

  test('the path of any name is inside the directory or refused', () => {
    assert(
      property(array(part, { maxLength: 8 }), (parts) => {
        const name = parts.join('/')
        let inside: string[]
        try {
          inside = entryPath(name)
        } catch (error) {
          expect(error).toBeInstanceOf(ArchiveError)
          return
        }
        const root = resolve('/root-of-it')
        const path = resolve(root, ...inside)
        expect(path === root || path.startsWith(root + sep)).toBe(true)
        expect(inside).not.toContain('..')
      }),
      { numRuns: runs(2_000) },
    )
  })
})
