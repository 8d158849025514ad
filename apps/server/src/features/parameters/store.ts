import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Queries } from '../../database/database.ts'
import { placeOf, type SecretBox } from '../../secrets/secret-box.ts'
import type { ParameterSchemaRow, ParameterValueRow } from './compute-parameters.ts'

/** A value to store. */
export type NewParameterValue = Pick<ParameterValueRow, 'name' | 'source_scheme' | 'source_value' | 'destination_scheme'>

/** The parameters that template versions declare, and their values, in the database. */
export class ParameterStore {
  readonly #queries: Queries
  readonly #secrets: SecretBox

  /**
   * @param secrets Encrypts every value: only an import tells which are secret, and by then they
   * are stored.
   */
  constructor(queries: Queries, secrets: SecretBox) {
    this.#queries = queries
    this.#secrets = secrets
  }

  in(queries: Queries): ParameterStore {
    return new ParameterStore(queries, this.#secrets)
  }

  async listSchemas(jobId: string): Promise<ParameterSchemaRow[]> {
    return await this.#queries.selectFrom('parameter_schemas').selectAll().where('job_id', '=', jobId).orderBy('index').execute()
  }

  /** Returns the values of several scopes: import jobs, templates and workspaces. */
  async listValues(scopeIds: readonly string[]): Promise<ParameterValueRow[]> {
    const rows = await this.#queries
      .selectFrom('parameter_values')
      .selectAll()
      .where('scope_id', '=', sql<string>`any(${scopeIds}::uuid[])`)
      .execute()
    return rows.map((row) => this.#opened(row))
  }

  /** Returns a value that was given to the import of one of the template's versions. */
  async findOfImport(id: string, templateId: string): Promise<NewParameterValue | undefined> {
    const row = await this.#queries
      .selectFrom('parameter_values as value')
      .innerJoin('template_versions as version', 'version.job_id', 'value.scope_id')
      .select([
        'value.scope_id',
        'value.name',
        'value.source_scheme',
        'value.source_value',
        'value.sealed_value',
        'value.destination_scheme',
      ])
      .where('value.id', '=', id)
      .where('value.scope', '=', 'import_job')
      .where('version.template_id', '=', templateId)
      .executeTakeFirst()
    if (row === undefined) return undefined
    const { scope_id: _scope, ...value } = this.#opened(row)
    return value
  }

  async insertSchemas(rows: readonly ParameterSchemaRow[]): Promise<void> {
    if (rows.length > 0) await this.#queries.insertInto('parameter_schemas').values(rows).execute()
  }

  /** Returns false if the scope already has a value of that name. */
  async insert(row: ParameterValueRow): Promise<boolean> {
    const sealed_value = this.#secrets.sealText(row.source_value, placeOfValue(row.scope_id, row.name))
    const { numInsertedOrUpdatedRows } = await this.#queries
      .insertInto('parameter_values')
      .values({ ...row, source_value: '', sealed_value })
      .onConflict((conflict) => conflict.columns(['scope_id', 'name']).doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  }

  /** Returns whether the workspace's latest version declares the parameter as immutable. */
  async isKept(workspaceId: string, name: string): Promise<boolean> {
    const row = await this.#queries
      .selectFrom('workspaces as workspace')
      .innerJoin('workspace_builds as build', 'build.id', 'workspace.latest_build_id')
      .innerJoin('template_versions as version', 'version.id', 'build.template_version_id')
      .innerJoin('parameter_schemas as schema', 'schema.job_id', 'version.job_id')
      .select('schema.id')
      .where('workspace.id', '=', workspaceId)
      .where('schema.name', '=', name)
      .where('schema.mutable', '=', false)
      .executeTakeFirst()
    return row !== undefined
  }

  /** Returns false if there is no such value. */
  async delete(scope: Pick<ParameterValueRow, 'scope' | 'scope_id'>, name: string): Promise<boolean> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('parameter_values')
      .where('scope', '=', scope.scope)
      .where('scope_id', '=', scope.scope_id)
      .where('name', '=', name)
      .executeTakeFirst()
    return numDeletedRows === 1n
  }

  async deleteScope(scopeId: string): Promise<void> {
    await this.#queries.deleteFrom('parameter_values').where('scope_id', '=', scopeId).execute()
  }

  /** Replaces values of the same name. Of several values with one name, the last counts. */
  async setValues(
    scope: { readonly scope: ParameterValueRow['scope']; readonly scope_id: string; readonly now: string },
    values: readonly NewParameterValue[],
  ): Promise<void> {
    const distinct = [...new Map(values.map((value) => [value.name, value])).values()]
    if (distinct.length === 0) return
    const columns = {
      id: distinct.map(() => randomUUID()),
      name: distinct.map((value) => value.name),
      source_scheme: distinct.map((value) => value.source_scheme),
      destination_scheme: distinct.map((value) => value.destination_scheme),
      sealed_value: distinct.map((value) => this.#secrets.sealText(value.source_value, placeOfValue(scope.scope_id, value.name))),
    }
    await sql`
      insert into parameter_values (id, created_at, updated_at, scope, scope_id, name, source_scheme, source_value, destination_scheme, sealed_value)
      select given.id, ${scope.now}::timestamptz, ${scope.now}::timestamptz, ${scope.scope}::parameter_scope, ${scope.scope_id}::uuid, given.name,
        given.source_scheme, '', given.destination_scheme, given.sealed_value
      from unnest(${columns.id}::uuid[], ${columns.name}::text[], ${columns.source_scheme}::parameter_source_scheme[],
        ${columns.destination_scheme}::parameter_destination_scheme[], ${columns.sealed_value}::bytea[])
        as given (id, name, source_scheme, destination_scheme, sealed_value)
      on conflict (scope_id, name) do update set updated_at = excluded.updated_at, source_scheme = excluded.source_scheme,
        source_value = excluded.source_value, sealed_value = excluded.sealed_value, destination_scheme = excluded.destination_scheme`.execute(
      this.#queries,
    )
  }

  #opened<Row extends { scope_id: string; name: string; source_value: string; sealed_value: Buffer | null }>(
    row: Row,
  ): Omit<Row, 'sealed_value'> {
    const { sealed_value, ...rest } = row
    if (sealed_value === null) return rest
    return { ...rest, source_value: this.#secrets.openText(sealed_value, placeOfValue(row.scope_id, row.name)) }
  }
}

function placeOfValue(scopeId: string, name: string): string {
  return placeOf('parameter_values', 'sealed_value', scopeId, name)
}
