import type { TSchema } from '@sinclair/typebox'
import type { PlainSchema } from './example-of.ts'

/** A JSON object. */
export type JsonObject = { readonly [key: string]: unknown }

/** The JSON Schema keywords to keep. All others are Berth's own notes to the server. */
const keywords = new Set(
  [
    ['type', 'title', 'description', 'default', 'examples', 'enum', 'const', 'deprecated', 'readOnly', 'writeOnly'],
    ['format', 'pattern', 'minLength', 'maxLength', 'contentEncoding', 'contentMediaType'],
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
    ['items', 'minItems', 'maxItems', 'uniqueItems'],
    ['properties', 'patternProperties', 'additionalProperties', 'required', 'minProperties', 'maxProperties'],
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
  refer(schema: TSchema | PlainSchema): JsonObject {
    const { title }: PlainSchema = schema
    if (title === undefined) return this.#convert(schema)
    const converted = this.#convert(schema)
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

  #convert(schema: PlainSchema): JsonObject {
    const entries = Object.entries(schema)
      .filter(([keyword]) => keywords.has(keyword))
      // A Choice states its words twice; documents need only the enum.
      .filter(([keyword]) => keyword !== 'anyOf' || schema.enum === undefined)
      .flatMap(([keyword, value]) => this.#keyword(keyword, value))
    return Object.fromEntries(entries)
  }

  #keyword(keyword: string, value: unknown): [string, unknown][] {
    // JSON Schema 2020-12 has its own keyword for this.
    if (keyword === 'format' && value === 'byte') return [['contentEncoding', 'base64']]
    if (oneSchema.has(keyword) && isObject(value)) return [[keyword, this.refer(value)]]
    if (schemaLists.has(keyword) && Array.isArray(value)) return [[keyword, value.filter(isObject).map((part) => this.refer(part))]]
    if (schemaMaps.has(keyword) && isObject(value)) {
      return [[keyword, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, isObject(part) ? this.refer(part) : part]))]]
    }
    return [[keyword, value]]
  }
}

function isObject(value: unknown): value is PlainSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
