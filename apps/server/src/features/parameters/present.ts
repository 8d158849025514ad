import type { ParameterValue } from '@berth/provisioner'
import type { ComputedParameter, Parameter, ParameterSchema } from '@berth/schema'
import type { Computation, ParameterSchemaRow, ParameterValueRow } from './compute-parameters.ts'

/** Returns a computed value in wire form, empty if the schema hides it. */
export function presentComputation({ redisplay_value, ...parameter }: Computation): ComputedParameter {
  return redisplay_value ? parameter : { ...parameter, source_value: '' }
}

/** Returns a computed value as jobs take it. */
export function jobValue({ name, source_value, destination_scheme, redisplay_value }: Computation): ParameterValue {
  return { name, value: source_value, destination_scheme, sensitive: !redisplay_value }
}

/** Returns a stored value in wire form, which has everything except the value. */
export function presentParameter({ source_value: _value, ...parameter }: ParameterValueRow): Parameter {
  return parameter
}

const TEXT = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`
/**
 * Must match every text in at most one way: otherwise a hostile template could keep the server busy
 * for ever.
 */
const CONTAINS = new RegExp(String.raw`^\s*contains\(\s*\[\s*((?:${TEXT}\s*(?:,\s*${TEXT}\s*)*(?:,\s*)?)?)\]\s*,[^()]*\)\s*$`)

/**
 * Returns a schema in wire form. A condition `contains([…], var.x)` with choices is also a sorted
 * list.
 */
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
    return undefined // an escape that only HCL has
  }
}
