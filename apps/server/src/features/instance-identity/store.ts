import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'

/** What makes a proof unique. */
export interface ProofNonce {
  readonly instanceId: string
  readonly nonce: string
  /** When the proof expires, in milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** Records which proofs of machines have been used. */
export class InstanceIdentityStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  /**
   * Uses up a proof, and deletes expired ones. Returns false when it was used before, on any
   * replica.
   */
  async use({ instanceId, nonce, expiresAtMs }: ProofNonce, now: Date): Promise<boolean> {
    const hash = createHash('sha256')
      .update(JSON.stringify(['azure', instanceId, nonce]))
      .digest()
    await this.#queries.deleteFrom('instance_identity_nonces').where('expires_at', '<', now.toISOString()).execute()
    const { rows } = await sql<{ hash: Buffer }>`
      insert into instance_identity_nonces (hash, expires_at) values (${hash}, ${new Date(expiresAtMs).toISOString()})
      on conflict do nothing returning hash`.execute(this.#queries)
    return rows.length === 1
  }
}
