/**
 * Building blocks of the schemas of requests and answers.
 * @module
 */
import { Type, type ArrayOptions, type SchemaOptions, type Static, type StringOptions, type TSchema, type TUnsafe } from '@sinclair/typebox'
import { integerRange, maxLineLength, maxListItems, maxLongLineLength, maxReportedCount, maxTextLength } from './rules/field-limits.ts'

/**
 * Rules for a field of a request body, checked after decoding. The first broken rule is reported as
 * `Validation failed for tag "<rule>" with value: "<value>"` (Coder v2 API, v0.13.4). `oneof` takes
 * its choices from the schema.
 */
export type ValidationRule =
  | 'required'
  | 'email'
  | 'username'
  | 'workspace_name'
  | 'template_name'
  | 'template_display_name'
  | 'lt=128'
  | 'oneof'
  | `eq=${string}`

declare module '@sinclair/typebox' {
  interface SchemaOptions {
    /** Rules for this property of a request body. */
    rules?: readonly ValidationRule[]
    /** Either this field or the named one is required (tag `required_without`). */
    requiredWithout?: string
    /** The field name to report for a bad value of this query parameter, if it isn't its own. */
    reportedAs?: string
    /** The text to report for a bad value of this query parameter, where the wire fixes one. */
    refusedAs?: string
    /** The keys of this map are UUIDs in any spelling. */
    keyFormat?: 'uuid'
  }
}

/** A UUID. Lower case with hyphens in answers, any accepted spelling in requests. */
export const Uuid = (options: SchemaOptions = {}) => Type.String({ format: 'uuid', ...options })
/** An RFC 3339 time. In answers: UTC, at most six fractional digits, no trailing zeros. */
export const Timestamp = (options: SchemaOptions = {}) => Type.String({ format: 'date-time', ...options })
/** Standard base64 with padding. */
export const Base64 = (options: SchemaOptions = {}) => Type.String({ format: 'byte', ...options })
/** A name, ID or version in a request. */
export const Line = (options: StringOptions = {}) => Type.String({ maxLength: maxLineLength, ...options })
/** A URL, search query, command, password or token in a request. */
export const LongLine = (options: StringOptions = {}) => Type.String({ maxLength: maxLongLineLength, ...options })
/** A parameter value or document in a request. */
export const LongText = (options: StringOptions = {}) => Type.String({ maxLength: maxTextLength, ...options })
/** A list in a request. */
export const List = <Item extends TSchema>(item: Item, options: ArrayOptions = {}) =>
  Type.Array(item, { maxItems: maxListItems, ...options })
/** A map in a request, with any text as keys. */
export const MapOf = <Value extends TSchema>(value: Value, options: SchemaOptions = {}) =>
  Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), value, { maxProperties: maxListItems, ...options })
/** A number in a request whose range other rules decide. */
export const AnyInteger = (options: SchemaOptions = {}) => Type.Integer({ ...integerRange, ...options })
/** A count in the report of an agent. */
export const ReportedCount = (options: SchemaOptions = {}) => Type.Integer({ minimum: 0, maximum: maxReportedCount, ...options })
/** A value or null. */
export const Nullable = <Schema extends TSchema>(schema: Schema, options: SchemaOptions = {}) => Type.Union([schema, Type.Null()], options)
/**
 * One of a few words. A union of literals that also has the keyword `enum`, which reads better in
 * documents.
 */
export const Choice = <const Words extends readonly string[]>(words: Words, options: SchemaOptions = {}): TUnsafe<Words[number]> =>
  // TypeBox would type a union made from a list of unknown length as any string.
  Type.Unsafe<Words[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { type: 'string', enum: words, ...options },
    ),
  )
/** A map from any text to text. */
export const StringMap = (options: SchemaOptions = {}) => Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.String(), options)

/**
 * The answer of every failure, and of successes that only carry a message (Coder v2 API, v0.13.4).
 */
export const Response = Type.Object(
  {
    message: Type.String({ description: 'What happened, for people.' }),
    detail: Type.Optional(Type.String({ description: 'Technical detail, for debugging.' })),
    validations: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), detail: Type.String() }, { title: 'ValidationError' }), {
        description: 'The invalid fields of the request.',
      }),
    ),
  },
  { title: 'Response', examples: [{ message: 'Resource not found or you do not have access to this resource' }] },
)
export type Response = Static<typeof Response>

/** Paging parameters of lists (Coder v2 API, v0.13.4). */
export const Pagination = {
  after_id: Type.Optional(Uuid({ description: 'Return only records after the one with this ID.' })),
  limit: Type.Optional(AnyInteger({ minimum: 0, description: 'Maximum number of records. 0: no limit.' })),
  offset: Type.Optional(AnyInteger({ minimum: 0, description: 'Number of records to skip.' })),
}
