import { createHash, randomUUID } from 'node:crypto'
import { Failure } from '@berth/schema'
import { unusedFileDays } from '@berth/schema/rules'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import type { FileRow } from '../../database/rows.ts'
import type { FileQuota } from '../../settings/config.ts'
import type { FileStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: FileStore
  readonly clock: Clock
  readonly quota: FileQuota
}

const MIB = 1024 * 1024

/** Stores and reads uploaded files, which are the archives of templates. */
export class FileService {
  readonly #database: Database
  readonly #store: FileStore
  readonly #clock: Clock
  readonly #quota: FileQuota

  constructor({ database, store, clock, quota }: Dependencies) {
    this.#database = database
    this.#store = store
    this.#clock = clock
    this.#quota = quota
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

  /**
   * Stores a file, unless the same user has already stored the same bytes. Throws
   * `file_quota_exceeded`.
   */
  async upload(userId: string, file: { readonly data: Buffer; readonly mimetype: string }): Promise<{ id: string; isNew: boolean }> {
    const { data, mimetype } = file
    const hash = createHash('sha256').update(data).digest()
    const row = { id: randomUUID(), hash, created_at: timestamp(this.#clock.now()), created_by: userId, mimetype, data }
    return await this.#database.transaction(async (transaction) => {
      const store = this.#store.in(transaction)
      await store.lockUploads(userId)
      const known = await store.renew(row)
      if (known !== undefined) return { id: known, isNew: false }
      if (await store.insert(row, this.#quota)) return { id: row.id, isNew: true }
      throw quotaExceeded(this.#quota)
    })
  }
}

function quotaExceeded({ files, bytes }: FileQuota): Failure {
  const limits = [
    files === Number.MAX_SAFE_INTEGER ? '' : `${files} files`,
    bytes === Number.MAX_SAFE_INTEGER ? '' : `${bytes / MIB} MiB`,
  ].filter((limit) => limit !== '')
  return new Failure('file_quota_exceeded', {
    message: `You may have at most ${limits.join(' and ')} of uploads that no template version uses. They are deleted ${unusedFileDays} days after their last upload.`,
  })
}
