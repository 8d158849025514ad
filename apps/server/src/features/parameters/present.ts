import type { ComputedParameter, ParameterSchema } from '@berth/schema'
import type { Computation, ParameterSchemaRow } from './compute-parameters.ts'

/** A value as the wire shows it: blank where the schema says that it is not shown again. */
export function presentComputation({ redisplay_value, ...parameter }: Computation): ComputedParameter {
  return redisplay_value ? parameter : { ...parameter, source_value: '' }
}

const CONTAINS = /^\s*contains\(\s*\[\s*((?:"(?:[^"\\]|\\.)*"\s*,?\s*)*)\]\s*,[^()]*\)\s*$/

/** A schema as the wire shows it; a condition `contains([…], var.x)` also as the list of its choices, sorted. */
export function presentParameterSchema(row: ParameterSchemaRow): ParameterSchema {
  const { index: _index, ...schema } = row
  const list = CONTAINS.exec(schema.validation_condition)?.[1]
  if (list === undefined) return schema
  const choices = [...list.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([text]) => String(JSON.parse(text)))
  return { ...schema, validation_contains: choices.sort() }
}
