import type { TSchema } from '@sinclair/typebox'
import { NIL_UUID, ZERO_TIME } from '@berth/schema/rules'

/** Whether a schema requires a field. */
export function isRequired(schema: TSchema, name: string): boolean {
  return ((schema['required'] ?? []) as string[]).includes(name)
}

/** Returns a maker of a field's zero value. Requests don't share its arrays and objects. */
export function zeroMaker(schema: TSchema): () => unknown {
  const zero = zeroOf(schema)
  return typeof zero === 'object' ? () => structuredClone(zero) : () => zero
}

/** Returns the zero value of a schema, which an absent field has. */
export function zeroOf(schema: TSchema): unknown {
  switch (schema['type']) {
    case 'string':
      if (schema['format'] === 'uuid') return NIL_UUID
      return schema['format'] === 'date-time' ? ZERO_TIME : ''
    case 'integer':
      return 0
    case 'boolean':
      return false
    case 'array':
      return []
    case 'object': {
      const fields = Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>)
      return Object.fromEntries(fields.filter(([name]) => isRequired(schema, name)).map(([name, field]) => [name, zeroOf(field)]))
    }
    default:
      return null
  }
}

/** Whether a value counts as absent. */
export function isZero(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 0 || value === NIL_UUID || value === ZERO_TIME
}
