import { sql } from 'kysely'
import type { Queries } from '../database/database.ts'

/** How other replicas find one. */
export interface ReplicaRecord {
  readonly id: string
  /** Null: other replicas can't reach it. */
  readonly relay_url: string | null
  /** The number of the advisory lock that the replica holds as long as it lives. */
  readonly lock_number: string
  readonly version: string
  readonly started_at: string
}

/** Reads and writes the replicas in the database, and the secret by which they know each other. */
export class ReplicaStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  /** Records that a replica is alive. */
  async beat(replica: ReplicaRecord, now: string): Promise<void> {
    await this.#queries
      .insertInto('replicas')
      .values({ ...replica, lock_number: sql`${replica.lock_number}::bigint`, updated_at: now })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ updated_at: now }))
      .execute()
  }

  async remove(id: string): Promise<void> {
    await this.#queries.deleteFrom('replicas').where('id', '=', id).execute()
  }

  /** Deletes replicas whose last heartbeat was before an instant. */
  async deleteSilent(before: string): Promise<void> {
    await this.#queries.deleteFrom('replicas').where('updated_at', '<', before).execute()
  }

  /** Returns the sealed secret. Stores `fresh` as the secret when there is none yet. */
  async sealedSecret(fresh: Buffer): Promise<Buffer> {
    await this.#queries
      .insertInto('replica_relay_secret')
      .values({ sealed_secret: fresh })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
    const row = await this.#queries.selectFrom('replica_relay_secret').select('sealed_secret').executeTakeFirstOrThrow()
    return row.sealed_secret
  }
}
