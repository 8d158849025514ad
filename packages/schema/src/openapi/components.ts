import type { TSchema } from '@sinclair/typebox'
import type { PlainSchema } from './example-of.ts'
import { asRequest } from './request-fields.ts'

/** A JSON object. */
export type JsonObject = { readonly [key: string]: unknown }

/** What a schema describes: a body that clients send, or anything else. */
type Use = 'request' | 'other'

/** The largest number that fits in 32 bits. All integers of the wire fit in 64. */
const MAX_INT32 = 2_147_483_647

/** The JSON Schema keywords to keep. All others are Berth's own notes to the server. */
const keywords = new Set(
  [
    ['type', 'title', 'description', 'default', 'examples', 'enum', 'const', 'deprecated', 'readOnly', 'writeOnly'],
    ['format', 'pattern', 'minLength', 'maxLength', 'contentEncoding', 'contentMediaType'],
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
    ['items', 'minItems', 'maxItems', 'uniqueItems'],
    ['keyFormat', 'properties', 'patternProperties', 'additionalProperties', 'required', 'minProperties', 'maxProperties'],
    ['anyOf', 'allOf', 'oneOf', 'not'],
  ].flat(),
)

/** Keywords whose value is one schema, a list of schemas, or schemas by name. */
const oneSchema = new Set(['items', 'additionalProperties', 'not'])
const schemaLists = new Set(['anyOf', 'allOf', 'oneOf'])
const schemaMaps = new Set(['properties', 'patternProperties'])

/** Collects titled schemas, each once, and replaces them with references. */
export class Components {
  readonly #schemas = new Map<string, JsonObject>()

  /**
   * Returns a schema as JSON Schema 2020-12, without Berth's keywords and with references to titled
   * schemas.
   */
  refer(schema: TSchema | PlainSchema, use: Use = 'other'): JsonObject {
    const { title }: PlainSchema = schema
    const converted = this.#convert(use === 'request' ? asRequest(schema) : schema, use)
    if (title === undefined) return converted
    const known = this.#schemas.get(title)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(converted)) {
      throw new Error(`Two different schemas have the title ${title}. Rename one of them.`)
    }
    this.#schemas.set(title, converted)
    return { $ref: `#/components/schemas/${title}` }
  }

  /** Returns the collected schemas by title, in alphabetical order. */
  schemas(): JsonObject {
    return Object.fromEntries([...this.#schemas].toSorted(([one], [other]) => (one < other ? -1 : 1)))
  }

  #convert(schema: PlainSchema, use: Use): JsonObject {
    const entries = Object.entries({ ...schema, ...numberFormat(schema) })
      .filter(([keyword]) => keywords.has(keyword))
      // A Choice states its words twice; documents need only the enum.
      .filter(([keyword]) => keyword !== 'anyOf' || schema.enum === undefined)
      .flatMap(([keyword, value]) => this.#keyword(keyword, value, use))
    return Object.fromEntries(entries)
  }

  #keyword(keyword: string, value: unknown, use: Use): [string, unknown][] {
    const refer = (part: PlainSchema): JsonObject => this.refer(part, use)
    // JSON Schema 2020-12 has its own keyword for this.
    if (keyword === 'format' && value === 'byte') return [['contentEncoding', 'base64']]
    if (keyword === 'keyFormat') return [['propertyNames', { type: 'string', format: value }]]
    if (oneSchema.has(keyword) && isObject(value)) return [[keyword, refer(value)]]
    if (schemaLists.has(keyword) && Array.isArray(value)) return [[keyword, value.filter(isObject).map(refer)]]
    if (schemaMaps.has(keyword) && isObject(value)) {
      return [[keyword, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, isObject(part) ? refer(part) : part]))]]
    }
    return [[keyword, value]]
  }
}

function numberFormat({ type, minimum, maximum }: PlainSchema): PlainSchema {
  if (type === 'number') return { format: 'double' }
  if (type !== 'integer') return {}
  const isSmall = minimum !== undefined && minimum >= -MAX_INT32 && maximum !== undefined && maximum <= MAX_INT32
  return { format: isSmall ? 'int32' : 'int64' }
}

function isObject(value: unknown): value is PlainSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
