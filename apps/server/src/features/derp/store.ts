import type { Queries } from '../../database/database.ts'

/** Reads and writes the relay's secret in the database. */
export class DerpStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  /**
   * Returns the relay's secret, the same on every replica. Stores `fresh` as the secret when there
   * is none yet.
   */
  async secret(fresh: Buffer): Promise<Buffer> {
    await this.#queries
      .insertInto('deployment_values')
      .values({ key: 'derp_secret_key', value: fresh })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .execute()
    const row = await this.#queries
      .selectFrom('deployment_values')
      .select('value')
      .where('key', '=', 'derp_secret_key')
      .executeTakeFirstOrThrow()
    return row.value
  }
}
