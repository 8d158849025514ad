import type { Queries } from '../../database/database.ts'
import type { FileRow } from '../../database/rows.ts'

const COLUMNS = ['id', 'hash', 'created_at', 'created_by', 'mimetype'] as const

/** Uploaded files in the database. */
export class FileStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): FileStore {
    return new FileStore(queries)
  }

  async findById(id: string): Promise<FileRow | undefined> {
    return await this.#queries.selectFrom('files').select(COLUMNS).where('id', '=', id).executeTakeFirst()
  }

  async findByHash(hash: Buffer, createdBy: string): Promise<FileRow | undefined> {
    return await this.#queries
      .selectFrom('files')
      .select(COLUMNS)
      .where('hash', '=', hash)
      .where('created_by', '=', createdBy)
      .executeTakeFirst()
  }

  async getData(id: string): Promise<Buffer> {
    const row = await this.#queries.selectFrom('files').select('data').where('id', '=', id).executeTakeFirstOrThrow()
    return row.data
  }

  /** Returns false if the same user has already uploaded the same bytes. */
  async insert(row: FileRow & { data: Buffer }): Promise<boolean> {
    const result = await this.#queries
      .insertInto('files')
      .values(row)
      .onConflict((conflict) => conflict.columns(['hash', 'created_by']).doNothing())
      .executeTakeFirst()
    return result.numInsertedOrUpdatedRows === 1n
  }
}
