import type { EndpointSpec } from '@berth/schema'
import type { FieldError } from './api-error.ts'

/** A JSON Schema as plain keywords. The contract's schemas have this shape. */
export interface Shape {
  readonly [keyword: string]: unknown
  readonly type?: string
  readonly format?: string
  readonly pattern?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: readonly Shape[]
  readonly items?: Shape
  readonly properties?: Readonly<Record<string, Shape>>
  readonly patternProperties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
}

type Schema = NonNullable<EndpointSpec['params']>

const formats: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/,
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
}

/**
 * Compares a value strictly with a schema. Also reports unknown keys: a client that sends one has
 * probably misspelled it.
 *
 * @returns one entry for each difference, with the path of the field. Empty if there is none.
 */
export function checkShape(schema: Schema | Shape, value: unknown): FieldError[] {
  return differences(schema, value, '')
}

/**
 * Converts the values of a query to their types in the schema. An empty value counts as absent,
 * except for text.
 */
export function readQuery(schema: Schema | Shape | undefined, query: URLSearchParams): Record<string, unknown> {
  const shape: Shape = schema ?? {}
  const typeOf = (name: string) => shape.properties?.[name]?.type
  const given = [...query].filter(([name, text]) => text !== '' || typeOf(name) === 'string')
  return Object.fromEntries(given.map(([name, text]) => [name, readText(typeOf(name), text)]))
}

function readText(type: string | undefined, text: string): unknown {
  if (type === 'integer' && /^-?\d+$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  return text
}

function differences(shape: Shape, value: unknown, field: string): FieldError[] {
  const differs = (detail: string) => [{ field, detail }]
  if (shape.enum !== undefined && !shape.enum.includes(value)) return differs(`must be one of ${shape.enum.join(', ')}`)
  if ('const' in shape && shape.const !== value) return differs(`must be ${JSON.stringify(shape.const)}`)
  if (shape.anyOf !== undefined) return nearest(shape.anyOf.map((choice) => differences(choice, value, field)))
  switch (shape.type) {
    case 'object':
      return isObject(value) ? ofObject(shape, value, field) : differs('must be an object')
    case 'array':
      if (!Array.isArray(value)) return differs('must be an array')
      return value.flatMap((item, index) => differences(shape.items ?? {}, item, `${field}[${index}]`))
    case 'string':
      return typeof value === 'string' ? ofText(shape, value).flatMap(differs) : differs('must be text')
    case 'integer':
      return Number.isInteger(value) ? ofNumber(shape, Number(value)).flatMap(differs) : differs('must be an integer')
    case 'number':
      return typeof value === 'number' ? ofNumber(shape, value).flatMap(differs) : differs('must be a number')
    case 'boolean':
      return typeof value === 'boolean' ? [] : differs('must be true or false')
    case 'null':
      return value === null ? [] : differs('must be null')
    default:
      return []
  }
}

/** Returns the alternative with the fewest differences. */
function nearest(choices: readonly FieldError[][]): FieldError[] {
  return choices.toSorted((one, other) => one.length - other.length)[0] ?? []
}

function ofObject(shape: Shape, value: Readonly<Record<string, unknown>>, field: string): FieldError[] {
  const at = (key: string) => (field === '' ? key : `${field}.${key}`)
  const missing = (shape.required ?? []).filter((key) => value[key] === undefined)
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return [
    ...missing.map((key) => ({ field: at(key), detail: 'is required' })),
    ...entries.flatMap(([key, member]) => {
      const known = shape.properties?.[key] ?? patternShape(shape, key)
      return known === undefined ? [{ field: at(key), detail: 'is not part of the contract' }] : differences(known, member, at(key))
    }),
  ]
}

function patternShape(shape: Shape, key: string): Shape | undefined {
  const patterns = Object.entries(shape.patternProperties ?? {})
  return patterns.find(([pattern]) => new RegExp(pattern).test(key))?.[1]
}

function ofText(shape: Shape, value: string): string[] {
  const format = shape.format === undefined ? undefined : formats[shape.format]
  if (format !== undefined && !format.test(value)) return [`must be a ${shape.format}`]
  return shape.pattern !== undefined && !new RegExp(shape.pattern).test(value) ? [`must match ${shape.pattern}`] : []
}

function ofNumber(shape: Shape, value: number): string[] {
  if (shape.minimum !== undefined && value < shape.minimum) return [`must be at least ${shape.minimum}`]
  return shape.maximum !== undefined && value > shape.maximum ? [`must be at most ${shape.maximum}`] : []
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
