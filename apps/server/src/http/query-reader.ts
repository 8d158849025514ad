import type { TSchema } from '@sinclair/typebox'
import { Failure, type Validation } from '@berth/schema'
import { NIL_UUID, WireValueError, parseBool, parseInt64Text, parseTime, parseUuid, truncateRunes } from '@berth/schema/rules'

/**
 * Reads one parameter. The message of the {@link WireValueError} it throws becomes the validation's
 * detail.
 */
type ReadParameter = (text: string, name: string) => unknown

/**
 * Compiles the reader of one endpoint's query string.
 *
 * The first of repeated values counts. An empty value and the nil UUID, which clients send when
 * they have no ID, count as absent. Only text parameters keep the empty string, because some are
 * flags that count by their presence. All bad parameters are reported together (Coder v2 API,
 * v0.13.4).
 */
export function queryReader(schema: TSchema): (query: URLSearchParams) => Record<string, unknown> {
  const parameters = Object.entries(schema['properties'] as Record<string, TSchema>).map(([name, parameter]) => ({
    name,
    field: parameter.reportedAs ?? name,
    refusedAs: parameter.refusedAs,
    read: parameterReader(parameter),
    isRequired: ((schema['required'] ?? []) as string[]).includes(name),
  }))
  return (query) => {
    const values: Record<string, unknown> = {}
    const validations: Validation[] = []
    for (const { name, field, refusedAs, read, isRequired } of parameters) {
      const text = query.get(name)
      if (text?.includes('\0') === true) {
        validations.push({ field, detail: `Query param "${name}" contains a NUL character` })
        continue
      }
      if (text === null && !isRequired) continue
      try {
        if (isRequired && (text ?? '') === '') throw new WireValueError(`Query param "${name}" is required and cannot be empty`)
        const value = read(text ?? '', name)
        if (value !== undefined) values[name] = value
      } catch (error) {
        if (!(error instanceof WireValueError)) throw error
        validations.push({ field, detail: refusedAs ?? error.message })
      }
    }
    if (validations.length > 0) throw new Failure('invalid_query', { validations })
    return values
  }
}

function parameterReader(schema: TSchema): ReadParameter {
  const choices = schema['enum'] as readonly string[] | undefined
  if (choices !== undefined) return choiceReader(choices)
  switch (schema['type']) {
    case 'integer':
      return integerReader(schema)
    case 'boolean':
      return (text) => (text === '' ? undefined : parseBool(text))
    default:
      return textReader(schema)
  }
}

function choiceReader(choices: readonly string[]): ReadParameter {
  return (text, name) => {
    if (text === '') return undefined
    if (choices.includes(text)) return text
    throw new WireValueError(`Query param "${name}" has invalid value: "${text}" is not one of ${choices.join(', ')}`)
  }
}

function integerReader(schema: TSchema): ReadParameter {
  const minimum = schema['minimum'] as number | undefined
  return (text, name) => {
    if (text === '') return undefined
    const value = inContext(`Query param "${name}" must be a valid integer`, () => parseInt64Text(text))
    if (minimum !== undefined && value < minimum) throw new WireValueError(`Query param "${name}" must be at least ${minimum}`)
    return value
  }
}

function textReader(schema: TSchema): ReadParameter {
  switch (schema['format']) {
    case 'uuid':
      return (text, name) => {
        const id = text === '' ? NIL_UUID : inContext(`Query param "${name}" must be a valid UUID`, () => parseUuid(text))
        return id === NIL_UUID ? undefined : id
      }
    case 'date-time':
      return (text, name) =>
        text === '' ? undefined : inContext(`Query param "${name}" must be a valid RFC 3339 time`, () => parseTime(text))
    default: {
      const maxLength = Number(schema['maxLength'] ?? Number.POSITIVE_INFINITY)
      return (text, name) => {
        if (truncateRunes(text, maxLength) === text) return text
        throw new WireValueError(`Query param "${name}" must have at most ${maxLength} characters`)
      }
    }
  }
}

function inContext<Value>(prefix: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (error instanceof WireValueError) throw new WireValueError(`${prefix} (${error.message})`)
    throw error
  }
}
