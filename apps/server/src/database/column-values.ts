import { types, type CustomTypesConfig } from 'pg'

/** Object ids of PostgreSQL's types whose values are read in a way of our own. They are part of its stable interface. */
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
 * A timestamptz, as PostgreSQL writes it in a session whose zone is UTC, as the wire's RFC 3339 text: `2022-12-19T10:00:00.12Z`. Microseconds
 * are kept and trailing zeros left out.
 *
 * @throws RangeError for what the wire can't say: infinity, years before 1 and after 9999.
 */
export function readTimestamp(text: string): string {
  const match = TIMESTAMP_TEXT.exec(text)
  if (match === null) throw new RangeError(`The database holds the time ${text}, which has no RFC 3339 spelling`)
  return `${match[1]}T${match[2]}Z`
}

/**
 * An int8 as a number.
 *
 * @throws RangeError beyond 2^53 - 1, where numbers lose digits.
 */
export function readInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`The database holds the integer ${text}, which is too large for a number`)
  return value
}

type Reader = (text: string) => unknown

/** The parsers of `pg`; its types know them by an enum of names, and lack those of arrays. */
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
 * How values come out of the database; what is not listed above comes as `pg` gives it (json parsed, bytea as Buffer, uuid as text).
 *
 * @param enumArrays - object ids of the arrays of the database's own enums, which it numbers as it likes: read as arrays of their labels. May grow
 * while connections are open.
 */
export function columnValues(enumArrays: ReadonlySet<number> = new Set()): CustomTypesConfig {
  return {
    getTypeParser: (oid: number, format?: 'text' | 'binary') => {
      if (format === 'binary') return parserOf(oid, format)
      return READERS.get(oid) ?? (enumArrays.has(oid) ? readTexts : parserOf(oid, format))
    },
  }
}
