import type { Queries } from '../../database/database.ts'

/** What the relay keeps in the database. */
export class DerpStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  /** The secret of the relay; the given one where there was none yet. Every server of a deployment gets the same. */
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
