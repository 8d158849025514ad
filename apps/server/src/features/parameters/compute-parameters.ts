import { randomUUID } from 'node:crypto'
import type { ComputedParameter } from '@berth/schema'
import type { Selectable } from 'kysely'
import type { ParameterSchemasTable, ParameterValuesTable } from '../../database/tables.gen.ts'

export type ParameterSchemaRow = Selectable<ParameterSchemasTable>
/** A parameter value, decrypted. */
export type ParameterValueRow = Omit<Selectable<ParameterValuesTable>, 'sealed_value'>

/** A computed value, and whether it may be shown. */
export interface Computation extends ComputedParameter {
  readonly redisplay_value: boolean
}

/**
 * Computes the values of a template version's parameters, in the order of its schemas. From lowest
 * to highest precedence: defaults, values of the import, values of the template, and values of the
 * workspace if the schema allows to override them (Coder v2 API, v0.13.4). Leaves out values
 * without a schema and schemas without a value.
 */
export function computeParameters(schemas: readonly ParameterSchemaRow[], values: readonly ParameterValueRow[]): Computation[] {
  const byScope = (scope: ParameterValueRow['scope']): Map<string, ParameterValueRow> =>
    new Map(values.filter((value) => value.scope === scope).map((value) => [value.name, value]))
  const imported = byScope('import_job')
  const ofTemplate = byScope('template')
  const ofWorkspace = byScope('workspace')
  return [...schemas]
    .sort((a, b) => a.index - b.index)
    .flatMap((schema) => {
      const settled = ofTemplate.get(schema.name) ?? imported.get(schema.name)
      const hasDefault = schema.default_source_scheme === 'data'
      const override = schema.allow_override_source || (settled === undefined && !hasDefault) ? ofWorkspace.get(schema.name) : undefined
      const value = override ?? settled
      if (value !== undefined) return [computation(schema, value, false)]
      return hasDefault ? [computation(schema, defaultOf(schema), true)] : []
    })
}

function computation(schema: ParameterSchemaRow, value: ParameterValueRow, isDefault: boolean): Computation {
  return { ...value, schema_id: schema.id, default_source_value: isDefault, redisplay_value: schema.redisplay_value }
}

function defaultOf(schema: ParameterSchemaRow): ParameterValueRow {
  return {
    id: randomUUID(),
    created_at: schema.created_at,
    updated_at: schema.created_at,
    scope: 'import_job',
    scope_id: schema.job_id,
    name: schema.name,
    source_scheme: schema.default_source_scheme,
    source_value: schema.default_source_value,
    destination_scheme: schema.default_destination_scheme,
  }
}
