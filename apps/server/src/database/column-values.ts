import { types, type CustomTypesConfig } from 'pg'

/**
 * Object IDs of the PostgreSQL types that aren't read the way `pg` reads them. They never change.
 */
const INT8 = 20
const TEXT_ARRAY = 1009
const INT8_ARRAY = 1016
const DATE = 1082
const TIMESTAMP = 1114
const TIMESTAMP_ARRAY = 1115
const DATE_ARRAY = 1182
const TIMESTAMPTZ = 1184
const TIMESTAMPTZ_ARRAY = 1185
const INTERVAL = 1186
const INTERVAL_ARRAY = 1187
const NUMERIC = 1700

const TIMESTAMP_TEXT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00$/

/**
 * Converts a timestamptz, as PostgreSQL writes it in a session in UTC, to the wire's RFC 3339 text:
 * `2022-12-19T10:00:00.12Z`. Keeps microseconds and drops trailing zeros.
 *
 * @throws RangeError for infinity and years outside 1 to 9999, which the wire can't express.
 */
export function readTimestamp(text: string): string {
  const match = TIMESTAMP_TEXT.exec(text)
  if (match === null) throw new RangeError(`Can't write the stored time ${text} as RFC 3339`)
  return `${match[1]}T${match[2]}Z`
}

/**
 * Converts an int8 to a number.
 *
 * @throws RangeError beyond 2^53 - 1, where numbers lose digits.
 */
export function readInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`The stored integer ${text} is too large for a JavaScript number`)
  return value
}

type Reader = (text: string) => unknown

/** The parsers of `pg`. Its own type takes an enum of names that lacks the array types. */
const parserOf = types.getTypeParser as unknown as (oid: number, format?: 'text' | 'binary') => Reader
const readTexts = parserOf(TEXT_ARRAY) as (text: string) => (string | null)[] // the parser of text[]
const asText: Reader = (text) => text

function eachOf(read: Reader): Reader {
  return (text) => readTexts(text).map((item) => (item === null ? null : read(item)))
}

const READERS = new Map<number, Reader>([
  [INT8, readInteger],
  [INT8_ARRAY, eachOf(readInteger)],
  [NUMERIC, Number],
  [TIMESTAMPTZ, readTimestamp],
  [TIMESTAMPTZ_ARRAY, eachOf(readTimestamp)],
  [TIMESTAMP, asText],
  [TIMESTAMP_ARRAY, readTexts],
  [DATE, asText],
  [DATE_ARRAY, readTexts],
  [INTERVAL, asText],
  [INTERVAL_ARRAY, readTexts],
])

/**
 * Returns how `pg` reads values. Types not listed above keep the default of `pg`: parsed JSON,
 * bytea as Buffer, uuid as text.
 *
 * @param enumArrays - Object IDs of the array types of the database's own enums, which are read as
 * arrays of labels. The set may grow while connections are open.
 */
export function columnValues(enumArrays: ReadonlySet<number> = new Set()): CustomTypesConfig {
  return {
    getTypeParser: (oid: number, format?: 'text' | 'binary') => {
      if (format === 'binary') return parserOf(oid, format)
      return READERS.get(oid) ?? (enumArrays.has(oid) ? readTexts : parserOf(oid, format))
    },
  }
}
