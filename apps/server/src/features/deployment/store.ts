import { ServiceBanner } from '@berth/schema'
import { Value } from '@sinclair/typebox/value'
import type { Queries } from '../../database/database.ts'

const BANNER = 'service_banner'

/** What administrators change at run time, in the database. */
export class DeploymentStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  /**
   * Undefined when there is none, or when a later version has written one that this version can't
   * read.
   */
  async findBanner(): Promise<ServiceBanner | undefined> {
    const row = await this.#queries.selectFrom('deployment_values').select('value').where('key', '=', BANNER).executeTakeFirst()
    const banner: unknown = row && JSON.parse(row.value.toString('utf8'))
    return Value.Check(ServiceBanner, banner) ? banner : undefined
  }

  async putBanner(banner: ServiceBanner): Promise<void> {
    const value = Buffer.from(JSON.stringify(banner))
    await this.#queries
      .insertInto('deployment_values')
      .values({ key: BANNER, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute()
  }
}
