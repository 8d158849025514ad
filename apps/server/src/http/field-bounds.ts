import type { TSchema } from '@sinclair/typebox'
import type { Validation } from '@berth/schema'
import { maxLineLength, truncateRunes } from '@berth/schema/rules'

/** Returns the first value that exceeds its bounds, with its path as field. */
export type BoundsCheck = (value: unknown, path: string) => Validation | undefined

/** How much of a refused text an answer repeats. */
const SHOWN_CHARACTERS = 256

/**
 * Compiles the check of everything below a node of a schema that has a bound: `maxLength`,
 * `maxItems`, `maxProperties`, `minimum` and `maximum`.
 *
 * @returns undefined for a node without bounds.
 */
export function boundsCheck(schema: TSchema): BoundsCheck | undefined {
  if (schema['anyOf'] !== undefined && schema['enum'] === undefined) {
    const inner = (schema['anyOf'] as TSchema[]).find((option) => option['type'] !== 'null')
    return inner === undefined ? undefined : boundsCheck(inner)
  }
  switch (schema['type']) {
    case 'string':
      return textCheck(schema)
    case 'integer':
      return numberCheck(schema)
    case 'array':
      return listCheck(schema)
    case 'object':
      return schema['properties'] === undefined ? mapCheck(schema) : objectCheck(schema)
    default:
      return undefined
  }
}

/** Returns a text as answers repeat it: whole, unless it is long. */
export function shownText(text: string): string {
  const shown = truncateRunes(text, SHOWN_CHARACTERS)
  return shown === text ? text : `${shown}…`
}

function textCheck({ maxLength }: TSchema): BoundsCheck | undefined {
  return maxLength === undefined ? undefined : lengthCheck(Number(maxLength))
}

function lengthCheck(max: number): BoundsCheck {
  return (value, field) =>
    typeof value !== 'string' || truncateRunes(value, max) === value
      ? undefined
      : refusal(field, 'max', `${shownText(value)}": at most ${max} characters are accepted`)
}

function numberCheck(schema: TSchema): BoundsCheck | undefined {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema as { minimum?: number; maximum?: number }
  return (value, field) => {
    if (typeof value !== 'number') return undefined
    if (value < minimum) return refusal(field, 'min', `${value}": the smallest value is ${minimum}`)
    return value > maximum ? refusal(field, 'max', `${value}": the largest value is ${maximum}`) : undefined
  }
}

function listCheck(schema: TSchema): BoundsCheck {
  const max = Number(schema['maxItems'] ?? Number.POSITIVE_INFINITY)
  const checkItem = boundsCheck(schema['items'] as TSchema)
  return (value, field) => {
    if (!Array.isArray(value)) return undefined
    if (value.length > max) return refusal(field, 'max', `${value.length} entries": at most ${max} are accepted`)
    return checkItem === undefined
      ? undefined
      : first(
          value.map((item, index) => [item, `${field}[${index}]`]),
          checkItem,
        )
  }
}

const keyCheck = lengthCheck(maxLineLength)

function mapCheck(schema: TSchema): BoundsCheck {
  const max = Number(schema['maxProperties'] ?? Number.POSITIVE_INFINITY)
  const [valueSchema] = Object.values((schema['patternProperties'] ?? {}) as Record<string, TSchema>)
  const checkValue = valueSchema === undefined ? undefined : boundsCheck(valueSchema)
  return (value, field) => {
    if (typeof value !== 'object' || value === null) return undefined
    const entries = Object.entries(value)
    if (entries.length > max) return refusal(field, 'max', `${entries.length} entries": at most ${max} are accepted`)
    for (const [name] of entries) {
      const refused = keyCheck(name, field)
      if (refused !== undefined) return refused
    }
    return checkValue === undefined
      ? undefined
      : first(
          entries.map(([name, item]) => [item, `${field}.${name}`]),
          checkValue,
        )
  }
}

function objectCheck(schema: TSchema): BoundsCheck {
  const checks = Object.entries(schema['properties'] as Record<string, TSchema>).flatMap(([name, property]) => {
    const check = boundsCheck(property)
    return check === undefined ? [] : [{ name, check }]
  })
  return (value, field) => {
    if (typeof value !== 'object' || value === null) return undefined
    const fields = new Map(Object.entries(value))
    for (const { name, check } of checks) {
      const refused = check(fields.get(name), `${field}.${name}`)
      if (refused !== undefined) return refused
    }
    return undefined
  }
}

function first(values: readonly (readonly [value: unknown, path: string])[], check: BoundsCheck): Validation | undefined {
  for (const [value, path] of values) {
    const refused = check(value, path)
    if (refused !== undefined) return refused
  }
  return undefined
}

function refusal(field: string, tag: string, rest: string): Validation {
  return { field, detail: `Validation failed for tag "${tag}" with value: "${rest}` }
}
