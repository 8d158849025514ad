/**
 * Building blocks of wire shapes.
 * @module
 */
import { Type, type SchemaOptions, type Static, type TSchema, type TUnsafe } from '@sinclair/typebox'

/**
 * Checks that run after a body has been decoded, in the words that the wire reports them with
 * (`Validation failed for tag "<rule>" with value: "<value>"`). The first that fails is reported.
 * `oneof` takes its choices from the schema.
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
    /** See {@link ValidationRule}. Only on properties of request bodies. */
    rules?: readonly ValidationRule[]
    /** This field or the named one must be given (tag `required_without`). */
    requiredWithout?: string
    /** The name under which a bad value of this query parameter is reported, where it is not its own. */
    reportedAs?: string
    /** What is said of a bad value of this query parameter, where the wire has words of its own. */
    refusedAs?: string
    /** The keys of this map are UUIDs, in any spelling. */
    keyFormat?: 'uuid'
  }
}

/** Lower-case hyphenated UUID in answers; requests may use any spelling that the wire accepts. */
export const Uuid = (options: SchemaOptions = {}) => Type.String({ format: 'uuid', ...options })
/** RFC 3339 in UTC with up to six fractional digits, trailing zeros trimmed. */
export const Timestamp = (options: SchemaOptions = {}) => Type.String({ format: 'date-time', ...options })
/** Standard base64 with padding. */
export const Base64 = (options: SchemaOptions = {}) => Type.String({ format: 'byte', ...options })
/** A value that is present and may be null. */
export const Nullable = <Schema extends TSchema>(schema: Schema, options: SchemaOptions = {}) => Type.Union([schema, Type.Null()], options)
/** One of a few words. A union of literals that also says `enum`, which is how readers of the schema like it best. */
export const Choice = <const Words extends readonly string[]>(words: Words, options: SchemaOptions = {}): TUnsafe<Words[number]> =>
  // The type of a union made from a list of unknown length would be that of any text.
  Type.Unsafe<Words[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { type: 'string', enum: words, ...options },
    ),
  )
/** Text to text. */
export const StringMap = (options: SchemaOptions = {}) => Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.String(), options)

/** The answer of every failure, and of successes that have nothing but a message (Coder v2 API, v0.13.4: `codersdk.Response`). */
export const Response = Type.Object(
  {
    message: Type.String({ description: 'What happened, for people.' }),
    detail: Type.Optional(Type.String({ description: 'Technical detail, for people who debug.' })),
    validations: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), detail: Type.String() }, { title: 'ValidationError' }), {
        description: 'The fields of the request that were refused.',
      }),
    ),
  },
  { title: 'Response', examples: [{ message: 'Resource not found or you do not have access to this resource' }] },
)
export type Response = Static<typeof Response>

/** Query parameters of lists (Coder v2 API, v0.13.4). `limit` 0 or absent: everything. */
export const Pagination = {
  after_id: Type.Optional(Uuid({ description: 'Only records after the one with this ID.' })),
  limit: Type.Optional(Type.Integer({ minimum: 0, description: 'At most this many records; 0 for all.' })),
  offset: Type.Optional(Type.Integer({ minimum: 0, description: 'Skip this many records.' })),
}
