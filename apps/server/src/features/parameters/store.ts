import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { ParameterSchemaRow, ParameterValueRow } from './compute-parameters.ts'

/** A value that is not stored yet. */
export type NewParameterValue = Pick<ParameterValueRow, 'name' | 'source_scheme' | 'source_value' | 'destination_scheme'>

/** Parameters: what template versions declare, and the values they are given. */
export class ParameterStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): ParameterStore {
    return new ParameterStore(queries)
  }

  async listSchemas(jobId: string): Promise<ParameterSchemaRow[]> {
    return await this.#queries.selectFrom('parameter_schemas').selectAll().where('job_id', '=', jobId).orderBy('index').execute()
  }

  /** The values of several scopes at once: import job, template, workspace. */
  async listValues(scopeIds: readonly string[]): Promise<ParameterValueRow[]> {
    return await this.#queries
      .selectFrom('parameter_values')
      .selectAll()
      .where('scope_id', '=', sql<string>`any(${scopeIds}::uuid[])`)
      .execute()
  }

  /** A value that the import of one of a template's versions was given. */
  async findOfImport(id: string, templateId: string): Promise<NewParameterValue | undefined> {
    return await this.#queries
      .selectFrom('parameter_values as value')
      .innerJoin('template_versions as version', 'version.job_id', 'value.scope_id')
      .select(['value.name', 'value.source_scheme', 'value.source_value', 'value.destination_scheme'])
      .where('value.id', '=', id)
      .where('value.scope', '=', 'import_job')
      .where('version.template_id', '=', templateId)
      .executeTakeFirst()
  }

  async insertSchemas(rows: readonly ParameterSchemaRow[]): Promise<void> {
    if (rows.length > 0) await this.#queries.insertInto('parameter_schemas').values(rows).execute()
  }

  /** A value of the same name in the same scope is replaced. */
  async setValues(
    scope: { readonly scope: ParameterValueRow['scope']; readonly scope_id: string; readonly now: string },
    values: readonly NewParameterValue[],
  ): Promise<void> {
    for (const value of values) {
      await this.#queries
        .insertInto('parameter_values')
        .values({
          id: randomUUID(),
          created_at: scope.now,
          updated_at: scope.now,
          scope: scope.scope,
          scope_id: scope.scope_id,
          ...value,
        })
        .onConflict((conflict) =>
          conflict.columns(['scope_id', 'name']).doUpdateSet({
            updated_at: scope.now,
            source_scheme: value.source_scheme,
            source_value: value.source_value,
            destination_scheme: value.destination_scheme,
          }),
        )
        .execute()
    }
  }
}
