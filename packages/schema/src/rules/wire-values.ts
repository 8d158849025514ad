/**
 * A text doesn't spell the expected value. The message is the `detail` of the 400 that clients see
 * (Coder v2 API, v0.13.4).
 */
export class WireValueError extends Error {
  override readonly name = 'WireValueError'
}

/** The UUID that means "none" on the wire. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000'

/** The time that means "never" on the wire. */
export const ZERO_TIME = '0001-01-01T00:00:00Z'

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const HYPHENATED_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const BARE_UUID = /^[0-9a-f]{32}$/i
const URN_PREFIX = 'urn:uuid:'

/**
 * Reads a UUID in any spelling that the wire accepts (Coder v2 API, v0.13.4): 36 characters with
 * hyphens, the same after `urn:uuid:`, the same between two characters (usually braces), or 32 hex
 * digits. Letters may have either case.
 *
 * @returns the canonical spelling: lower case, with hyphens.
 * @throws WireValueError with `invalid UUID length: N` (N counts UTF-8 bytes), `invalid UUID
 *   format` or `invalid urn prefix: "…"`.
 */
export function parseUuid(text: string): string {
  if (CANONICAL_UUID.test(text)) return text
  const bytes = new TextEncoder().encode(text).length
  switch (bytes) {
    case 36:
      return hyphenated(text)
    case 38:
      // A multi-byte character at either end would give 38 bytes without 36 characters in between.
      return hyphenated(text.length === bytes ? text.slice(1, 37) : '')
    case 45: {
      const prefix = text.slice(0, URN_PREFIX.length)
      if (prefix.toLowerCase() !== URN_PREFIX) throw new WireValueError(`invalid urn prefix: ${JSON.stringify(prefix)}`)
      return hyphenated(text.slice(URN_PREFIX.length))
    }
    case 32: {
      if (!BARE_UUID.test(text)) throw new WireValueError('invalid UUID format')
      const [a, b, c, d] = [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20)]
      return `${a}-${b}-${c}-${d}-${text.slice(20)}`.toLowerCase()
    }
    default:
      throw new WireValueError(`invalid UUID length: ${bytes}`)
  }
}

function hyphenated(text: string): string {
  if (!HYPHENATED_UUID.test(text)) throw new WireValueError('invalid UUID format')
  return text.toLowerCase()
}

const TIME_LAYOUT = '2006-01-02T15:04:05Z07:00'

/**
 * The parts of an RFC 3339 time, in order, each with the part of the layout that an error names.
 */
const TIME_PIECES: readonly (readonly [pattern: RegExp, layout: string])[] = [
  [/^\d{4}/, '2006'],
  [/^-/, '-'],
  [/^\d{2}/, '01'],
  [/^-/, '-'],
  [/^\d{2}/, '02'],
  [/^T/, 'T'],
  [/^\d{2}/, '15'],
  [/^:/, ':'],
  [/^\d{2}/, '04'],
  [/^:/, ':'],
  [/^\d{2}/, '05'],
  [/^(?:\.\d+)?/, '.000'],
  [/^(?:Z|[+-]\d{2}:\d{2})/, 'Z07:00'],
]

/**
 * Reads a time in strict RFC 3339 (Coder v2 API, v0.13.4): upper-case `T`, `Z` or a numeric offset,
 * an optional fraction after a dot. Refuses lower-case letters, a space instead of the `T`, a
 * missing zone, leap seconds and days that the month doesn't have.
 *
 * @returns the canonical wire text: UTC with `Z`, rounded to microseconds, without trailing zeros
 *   in the fraction.
 * @throws WireValueError, for example `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot
 *   parse "x" as "2006"`.
 */
export function parseTime(text: string): string {
  const pieces = timePieces(text)
  const [year = '', , month = '', , day = '', , hour = '', , minute = '', , second = '', fraction = '', zone = ''] = pieces
  const outOfRange = timeRangeFault({ year, month, day, hour, minute, second, zone })
  if (outOfRange !== undefined) throw new WireValueError(`parsing time ${JSON.stringify(text)}: ${outOfRange} out of range`)
  const offsetMinutes = zone === 'Z' ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)))
  // The wire keeps nanoseconds and the database microseconds, so digits after the ninth are cut
  // before rounding.
  const nanoseconds = Number(fraction.slice(1, 10).padEnd(9, '0'))
  const microseconds = Math.round(nanoseconds / 1000)
  const wholeSecondMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - offsetMinutes * 60_000
  const instant = new Date(wholeSecondMs + (microseconds === 1_000_000 ? 1000 : 0))
  const canonicalYear = instant.getUTCFullYear()
  if (canonicalYear < 0 || canonicalYear > 9999) {
    throw new WireValueError(`parsing time ${JSON.stringify(text)}: year outside of range [0,9999]`)
  }
  const digits = String(microseconds % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return `${instant.toISOString().slice(0, 19)}${digits === '' ? '' : `.${digits}`}Z`
}

function timePieces(text: string): string[] {
  const pieces: string[] = []
  let rest = text
  for (const [pattern, layout] of TIME_PIECES) {
    const piece = pattern.exec(rest)?.[0]
    if (piece === undefined) {
      throw new WireValueError(
        `parsing time ${JSON.stringify(text)} as "${TIME_LAYOUT}": cannot parse ${JSON.stringify(rest)} as "${layout}"`,
      )
    }
    pieces.push(piece)
    rest = rest.slice(piece.length)
  }
  if (rest !== '') throw new WireValueError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`)
  return pieces
}

function timeRangeFault(time: Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'zone', string>): string | undefined {
  const month = Number(time.month)
  if (month < 1 || month > 12) return 'month'
  const day = Number(time.day)
  if (day < 1 || day > daysInMonth(Number(time.year), month)) return 'day'
  if (Number(time.hour) > 23) return 'hour'
  if (Number(time.minute) > 59) return 'minute'
  if (Number(time.second) > 59) return 'second'
  if (time.zone !== 'Z' && Number(time.zone.slice(1, 3)) > 23) return 'time zone offset hour'
  if (time.zone !== 'Z' && Number(time.zone.slice(4, 6)) > 59) return 'time zone offset minute'
  return undefined
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/**
 * Formats a canonical wire time (see {@link parseTime}) as validation texts do: `0001-01-01
 * 00:00:00 +0000 UTC`, with its fraction if there is one (Coder v2 API, v0.13.4).
 */
export function goTimeText(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, -1)} +0000 UTC`
}

const TRUE_SPELLINGS: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE_SPELLINGS: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/**
 * Reads a boolean in a query parameter, header or setting: `1 t T true TRUE True` or `0 f F false
 * FALSE False`.
 *
 * @throws WireValueError for any other text.
 */
export function parseBool(text: string): boolean {
  if (TRUE_SPELLINGS.has(text)) return true
  if (FALSE_SPELLINGS.has(text)) return false
  throw new WireValueError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

/**
 * Reads a signed 64-bit decimal integer. A leading `+` is allowed.
 *
 * @returns the number, clamped to ±(2^53 - 1), beyond which a number isn't exact.
 * @throws WireValueError for text that isn't an integer or doesn't fit in 64 bits.
 */
export function parseInt64Text(text: string): number {
  const value = parseInteger(text, 64)
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : Number(value)
}

/**
 * Reads a signed 32-bit decimal integer. A leading `+` is allowed.
 *
 * @throws WireValueError for text that isn't an integer or doesn't fit in 32 bits.
 */
export function parseInt32Text(text: string): number {
  return Number(parseInteger(text, 32))
}

function parseInteger(text: string, bits: 32 | 64): bigint {
  const fault = (what: string) => new WireValueError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${what}`)
  const digits = /^[+-]?0*(\d+)$/.exec(text)?.[1]
  if (digits === undefined) throw fault('invalid syntax')
  // Converting thousands of digits takes quadratic time, and no such number fits.
  if (digits.length > 19) throw fault('value out of range')
  const value = text.startsWith('-') ? -BigInt(digits) : BigInt(digits)
  if (BigInt.asIntN(bits, value) !== value) throw fault('value out of range')
  return value
}
