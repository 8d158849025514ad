import type { TSchema } from '@sinclair/typebox'
import { Failure } from '@berth/schema'
import { WireValueError, parseTime, parseUuid } from '@berth/schema/rules'
import { ruleChecks } from './field-rules.ts'
import { JsonSyntaxError, plainJson, readJson, type JsonNumber, type JsonObject, type JsonValue } from './json-reader.ts'
import { isRequired, zeroMaker } from './zero-values.ts'

/** Decodes one schema node from wire JSON to a value. Throws {@link BodyTypeError}. */
type Decode = (value: JsonValue, path: string) => unknown

class BodyTypeError extends Error {}

const MAX_INT64 = 9_223_372_036_854_775_807n

/**
 * Compiles the reader of one endpoint's JSON body. The reader turns text into a value of the
 * schema.
 *
 * It reads the dialect of the wire (Coder v2 API, v0.13.4): it reads only the first JSON value,
 * matches names in any case, ignores unknown names, treats null as absent, gives absent fields
 * their zero value, and then checks the rules of the fields.
 *
 * The reader throws `invalid_json` for text that doesn't have the schema's types, and
 * `validation_failed` with one entry for each refused field.
 */
export function bodyReader(schema: TSchema): (text: string) => unknown {
  const decode = decoder(schema)
  const rules = ruleChecks(schema)
  return (text) => {
    const body = decodeBody(decode, text)
    const validations = rules.flatMap((check) => check(body))
    if (validations.length > 0) throw new Failure('validation_failed', { validations })
    return body
  }
}

function decodeBody(decode: Decode, text: string): Record<string, unknown> {
  try {
    const json = readJson(text)
    const value = decode(json ?? { kind: 'object', entries: [] }, '')
    // A body's schema is an object, so its decoder returns one.
    return value as Record<string, unknown>
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof BodyTypeError || error instanceof WireValueError)
      throw new Failure('invalid_json', { detail: error.message, cause: error })
    throw error
  }
}

function decoder(schema: TSchema): Decode {
  if (schema['anyOf'] !== undefined) {
    const inner = (schema['anyOf'] as TSchema[]).find((option) => option['type'] !== 'null')
    if (inner !== undefined) return decoder(inner)
  }
  switch (schema['type']) {
    case 'object':
      return schema['properties'] === undefined ? mapDecoder(schema) : objectDecoder(schema)
    case 'array':
      return arrayDecoder(schema)
    case 'string':
      return stringDecoder(schema)
    case 'integer':
      return integer
    case 'boolean':
      return (value, path) => (typeof value === 'boolean' ? value : mismatch(value, path, 'bool'))
    default:
      return plainJson
  }
}

function objectDecoder(schema: TSchema): Decode {
  const fields = Object.entries(schema['properties'] as Record<string, TSchema>).map(([name, field]) => ({
    name,
    decode: decoder(field),
    zero: isRequired(schema, name) ? zeroMaker(field) : undefined,
  }))
  const byName = new Map(fields.flatMap((field) => [[field.name, field] as const]))
  const byFoldedName = new Map(fields.map((field) => [field.name.toLowerCase(), field] as const))
  return (value, path) => {
    if (!isObject(value)) return mismatch(value, path, 'struct')
    const decoded: Record<string, unknown> = {}
    for (const { name, zero } of fields) if (zero !== undefined) decoded[name] = zero()
    for (const [name, entry] of value.entries) {
      const field = byName.get(name) ?? byFoldedName.get(name.toLowerCase())
      if (field === undefined || entry === null) continue
      decoded[field.name] = field.decode(entry, path === '' ? field.name : `${path}.${field.name}`)
    }
    return decoded
  }
}

function mapDecoder(schema: TSchema): Decode {
  const [keySchema] = Object.entries((schema['patternProperties'] ?? {}) as Record<string, TSchema>)
  const decodeValue = keySchema === undefined ? plainJson : decoder(keySchema[1])
  const zero = keySchema === undefined ? () => null : zeroMaker(keySchema[1])
  const hasUuidKeys = schema['keyFormat'] === 'uuid'
  return (value, path) => {
    if (!isObject(value)) return mismatch(value, path, 'map')
    return Object.fromEntries(
      value.entries.map(([name, entry]) => [
        hasUuidKeys ? parseUuid(name) : withoutNul(name, path),
        entry === null ? zero() : decodeValue(entry, `${path}.${name}`),
      ]),
    )
  }
}

function arrayDecoder(schema: TSchema): Decode {
  const item = schema['items'] as TSchema
  const decodeItem = decoder(item)
  const zero = zeroMaker(item)
  return (value, path) => {
    if (!Array.isArray(value)) return mismatch(value, path, 'slice')
    return (value as readonly JsonValue[]).map((entry) => (entry === null ? zero() : decodeItem(entry, path)))
  }
}

function stringDecoder(schema: TSchema): Decode {
  switch (schema['format']) {
    case 'uuid':
      return (value, path) => (typeof value === 'string' ? parseUuid(value) : mismatch(value, path, 'uuid.UUID'))
    case 'date-time':
      return (value, path) => (typeof value === 'string' ? parseTime(value) : mismatch(value, path, 'time.Time'))
    case 'byte':
      return base64
    default:
      return plainText
  }
}

function plainText(value: JsonValue, path: string): string {
  if (typeof value !== 'string') return mismatch(value, path, 'string')
  return withoutNul(value, path)
}

/** PostgreSQL can't store NUL, and nothing on the wire needs it. */
function withoutNul(text: string, path: string): string {
  if (text.includes('\0')) throw new BodyTypeError(`field ${path} contains a NUL character`)
  return text
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * Decodes a byte field: padded base64, in which line breaks are ignored, or an array of numbers
 * from 0 to 255. Returns canonical base64.
 */
function base64(value: JsonValue, path: string): string {
  if (Array.isArray(value)) {
    const bytes = (value as readonly JsonValue[]).map((entry) => integer(entry ?? 0, path))
    if (bytes.some((byte) => byte < 0 || byte > 255))
      throw new BodyTypeError(`json: cannot unmarshal number into field ${path} of type uint8`)
    return Buffer.from(bytes).toString('base64')
  }
  if (typeof value !== 'string') return mismatch(value, path, '[]uint8')
  const text = value.replace(/[\r\n]/g, '')
  if (!BASE64.test(text)) throw new BodyTypeError(`illegal base64 data in field ${path}`)
  return text
}

function integer(value: JsonValue | 0, path: string): number {
  if (value === 0) return 0
  if (!isNumber(value)) return mismatch(value, path, 'int64')
  if (!/^-?\d+$/.test(value.text) || value.text.length > 20) return mismatchNumber(value, path)
  const exact = BigInt(value.text)
  if (exact > MAX_INT64 || exact < -MAX_INT64 - 1n) return mismatchNumber(value, path)
  // Numbers beyond 2^53 aren't exact. No field gives them a meaning, so the nearest exact one does.
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value.value))
}

function mismatchNumber(value: JsonNumber, path: string): never {
  throw new BodyTypeError(`json: cannot unmarshal number ${value.text.slice(0, 40)} into field ${path} of type int64`)
}

function mismatch(value: JsonValue, path: string, wanted: string): never {
  const field = path === '' ? 'value' : `field ${path}`
  throw new BodyTypeError(`json: cannot unmarshal ${kindOf(value)} into ${field} of type ${wanted}`)
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (Array.isArray(value)) return 'array'
  return isNumber(value) ? 'number' : 'object'
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'object'
}

function isNumber(value: JsonValue): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'number'
}
