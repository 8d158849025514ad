import { createHash, randomUUID } from 'node:crypto'
import { Failure } from '@berth/schema'
import { timestamp, type Clock } from '../../clock.ts'
import type { FileRow } from '../../database/rows.ts'
import type { FileStore } from './store.ts'

/** Stores and reads uploaded files, which are the archives of templates. */
export class FileService {
  readonly #store: FileStore
  readonly #clock: Clock

  constructor({ store, clock }: { readonly store: FileStore; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<FileRow> {
    const row = await this.#store.findById(id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  async find(id: string): Promise<FileRow | undefined> {
    return await this.#store.findById(id)
  }

  async getData(id: string): Promise<Buffer> {
    return await this.#store.getData(id)
  }

  /** Stores a file, unless the same user has already stored the same bytes. */
  async upload(userId: string, file: { readonly data: Buffer; readonly mimetype: string }): Promise<{ id: string; isNew: boolean }> {
    const { data, mimetype } = file
    const hash = createHash('sha256').update(data).digest()
    const known = await this.#store.findByHash(hash, userId)
    if (known !== undefined) return { id: known.id, isNew: false }
    const id = randomUUID()
    const row = { id, hash, created_at: timestamp(this.#clock.now()), created_by: userId, mimetype, data }
    if (await this.#store.insert(row)) return { id, isNew: true }
    const winner = await this.#store.findByHash(hash, userId)
    return { id: winner?.id ?? id, isNew: false }
  }
}
