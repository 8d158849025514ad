/**
 * A text isn't a duration. The message is shown to users, for example `time: invalid duration "x"`.
 */
export class DurationError extends Error {
  override readonly name = 'DurationError'
}

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  '\u00b5s': 1000n,
  '\u03bcs': 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

/** The wire counts durations in nanoseconds as signed 64-bit integers: about ±292 years. */
const MAX_NS = 2n ** 63n - 1n

/**
 * Digits of the largest duration. Later digits of a fraction are less than a nanosecond and
 * ignored.
 */
const MAX_DIGITS = 19

const PART = /(\d*)(?:\.(\d*))?([^\d.]*)/y

/**
 * Reads a duration as written in settings and on command lines: `1h30m`, `150ms`, `1.5h`, `-2m`,
 * `0`. The units are `ns us µs ms s m h`; there is none for days or weeks.
 *
 * @returns milliseconds, with a fraction down to nanoseconds.
 * @throws DurationError with `time: invalid duration "…"`, `time: missing unit in duration "…"` or
 *   `time: unknown unit "…" in duration "…"`.
 */
export function parseDuration(text: string): number {
  const sign = text.startsWith('-') ? -1n : 1n
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text
  if (unsigned === '0') return 0
  if (unsigned === '') throw invalid(text)
  let total = 0n
  for (let at = 0; at < unsigned.length; at = PART.lastIndex) {
    PART.lastIndex = at
    const [, whole = '', fraction = '', unit = ''] = PART.exec(unsigned) ?? []
    if (whole === '' && fraction === '') throw invalid(text)
    if (unit === '') throw new DurationError(`time: missing unit in duration ${JSON.stringify(text)}`)
    const unitNs = Object.hasOwn(UNIT_NS, unit) ? UNIT_NS[unit] : undefined
    if (unitNs === undefined) {
      throw new DurationError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`)
    }
    const significant = whole.replace(/^0+/, '')
    if (significant.length > MAX_DIGITS) throw invalid(text)
    const digits = fraction.slice(0, MAX_DIGITS)
    total += BigInt(significant) * unitNs + (BigInt(digits) * unitNs) / 10n ** BigInt(digits.length)
    if (total > MAX_NS + (sign === -1n ? 1n : 0n)) throw invalid(text)
  }
  return toMs(sign * total)
}

function invalid(text: string): DurationError {
  return new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
}

/**
 * Returns the number nearest to the exact quotient, so that a duration survives being formatted and
 * parsed again. Beyond safe integers, whole milliseconds and the rest are converted separately.
 */
function toMs(ns: bigint): number {
  const count = Number(ns)
  if (Number.isSafeInteger(count)) return count / 1_000_000
  return Number(ns / 1_000_000n) + Number(ns % 1_000_000n) / 1_000_000
}

/**
 * Formats a duration the way {@link parseDuration} reads it: `720h0m0s`, `1m0s`, `1.5s`, `150ms`,
 * `0s`. The largest unit is the hour.
 *
 * @param ms milliseconds, finite. A fraction is rounded to nanoseconds.
 */
export function formatDuration(ms: number): string {
  const whole = Math.trunc(ms)
  const ns = BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000))
  if (ns === 0n) return '0s'
  const sign = ns < 0n ? '-' : ''
  const size = ns < 0n ? -ns : ns
  if (size < 1000n) return `${sign}${size}ns`
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}µs`
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 6)}ms`
  const minutes = size / 60_000_000_000n
  const seconds = `${decimal(size % 60_000_000_000n, 9)}s`
  if (minutes === 0n) return `${sign}${seconds}`
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

/** Returns a count divided by a power of ten, without trailing zeros. */
function decimal(count: bigint, places: number): string {
  const digits = String(count).padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  return `${digits.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`
}
