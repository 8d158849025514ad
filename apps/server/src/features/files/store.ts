import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { FileRow } from '../../database/rows.ts'
import type { FileQuota } from '../../settings/config.ts'

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

  /**
   * Returns the file in which the same user has uploaded the same bytes, and marks it as uploaded
   * just now.
   */
  async renew(file: Pick<FileRow, 'hash' | 'created_by' | 'created_at'>): Promise<string | undefined> {
    const { hash, created_by, created_at } = file
    const renewed = await this.#queries
      .updateTable('files')
      .set({ created_at })
      .where('hash', '=', hash)
      .where('created_by', '=', created_by)
      .returning('id')
      .executeTakeFirst()
    return renewed?.id
  }

  async getData(id: string): Promise<Buffer> {
    const row = await this.#queries.selectFrom('files').select('data').where('id', '=', id).executeTakeFirstOrThrow()
    return row.data
  }

  /** Lets the uploads of a user wait for each other until the transaction ends. */
  async lockUploads(userId: string): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtext('berth: files of ' || ${userId}::text))`.execute(this.#queries)
  }

  /** Returns false if the user would have more unused files than the quota allows. */
  async insert(row: FileRow & { data: Buffer }, quota: FileQuota): Promise<boolean> {
    const { id, hash, created_at, created_by, mimetype, data } = row
    const { numAffectedRows } = await sql`
      insert into files (id, hash, created_at, created_by, mimetype, data)
      select ${id}::uuid, ${hash}::bytea, ${created_at}::timestamptz, ${created_by}::uuid, ${mimetype}::text, ${data}::bytea
      from files where files.created_by = ${created_by}
        and not exists (select from provisioner_jobs job where job.file_id = files.id)
      having count(*) < ${quota.files}::bigint
        and coalesce(sum(octet_length(files.data)), 0) + ${data.length}::bigint <= ${quota.bytes}::bigint`.execute(this.#queries)
    return numAffectedRows === 1n
  }
}
