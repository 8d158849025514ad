import { readdir, type FileHandle } from 'node:fs/promises'

/** A directory that a client is reading. */
export interface OpenDirectory {
  path: string
  /** The entries not sent yet. */
  names: string[]
}

const maxHandles = 1_000

/** The files and directories that one client has open, by their handles. */
export class OpenHandles {
  readonly #files = new Map<number, FileHandle>()
  readonly #directories = new Map<number, OpenDirectory>()
  #next = 0

  assertRoom(): void {
    if (this.#files.size + this.#directories.size >= maxHandles)
      throw new Error(`${maxHandles} files are open, which is the limit. Close some`)
  }

  addFile(file: FileHandle): Buffer {
    this.#files.set(this.#next, file)
    return this.#take()
  }

  async addDirectory(path: string): Promise<Buffer> {
    const names = await readdir(path)
    this.#directories.set(this.#next, { path, names: ['.', '..', ...names] })
    return this.#take()
  }

  file(handle: Buffer): FileHandle {
    return found(this.#files.get(numberOf(handle)))
  }

  directory(handle: Buffer): OpenDirectory {
    return found(this.#directories.get(numberOf(handle)))
  }

  async close(handle: Buffer): Promise<void> {
    const number = numberOf(handle)
    if (this.#directories.delete(number)) return
    const file = found(this.#files.get(number))
    this.#files.delete(number)
    await file.close()
  }

  async closeAll(): Promise<void> {
    const files = [...this.#files.values()]
    this.#files.clear()
    this.#directories.clear()
    await Promise.allSettled(files.map((file) => file.close()))
  }

  #take(): Buffer {
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(this.#next)
    this.#next += 1
    return handle
  }
}

function numberOf(handle: Buffer): number {
  return handle.length === 4 ? handle.readUInt32BE() : -1
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The handle is not open')
  return value
}
