import type { ComputedParameter, Parameter, ParameterSchema } from '@berth/schema'
import type { Computation, ParameterSchemaRow, ParameterValueRow } from './compute-parameters.ts'

/** A value as the wire shows it: blank where the schema says that it is not shown again. */
export function presentComputation({ redisplay_value, ...parameter }: Computation): ComputedParameter {
  return redisplay_value ? parameter : { ...parameter, source_value: '' }
}

/** A stored value as the wire shows it: all but the value. */
export function presentParameter({ source_value: _value, ...parameter }: ParameterValueRow): Parameter {
  return parameter
}

const TEXT = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`
/** Templates come from people: every text must match in one way at most, or a hostile one would keep the server busy for ever. */
const CONTAINS = new RegExp(String.raw`^\s*contains\(\s*\[\s*((?:${TEXT}\s*(?:,\s*${TEXT}\s*)*(?:,\s*)?)?)\]\s*,[^()]*\)\s*$`)

/** A schema as the wire shows it; a condition `contains([…], var.x)` that lists any choices also as their list, sorted. */
export function presentParameterSchema(row: ParameterSchemaRow): ParameterSchema {
  const { index: _index, mutable: _mutable, ...schema } = row
  const choices = readChoices(schema.validation_condition)
  return choices === undefined || choices.length === 0 ? schema : { ...schema, validation_contains: choices.sort() }
}

function readChoices(condition: string): string[] | undefined {
  const list = CONTAINS.exec(condition)?.[1]
  if (list === undefined) return undefined
  try {
    return [...list.matchAll(new RegExp(TEXT, 'g'))].map(([text]) => String(JSON.parse(text)))
  } catch {
    // An escape that only the template language knows.
    return undefined
  }
}
