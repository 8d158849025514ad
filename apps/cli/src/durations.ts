import { UsageError } from './failures.ts'

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/**
 * Reads a duration such as `8h`, `1h30m`, `90s` or `2d`; a bare number counts minutes, 0 is zero.
 *
 * @returns milliseconds.
 * @throws UsageError when the text is no duration.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim().toLowerCase()
  if (/^\d+$/.test(trimmed)) return Number(trimmed) * 60_000
  if (!/^(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+$/.test(trimmed)) {
    throw new UsageError(`"${text}" is not a duration. Write it like 8h, 1h30m or 45m; a bare number counts minutes.`)
  }
  const pieces = trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|d|h|m|s)/g)
  return Math.round([...pieces].reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0))
}

/** Writes a duration the way {@link parseDuration} reads it, in its two largest units: `1h30m`, `45m`, `12s`, `340ms`. */
export function describeDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const
  const seconds = Math.round(ms / 1000)
  const first = units.findIndex(([, size]) => seconds >= size)
  let left = seconds
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(left / size)
      left -= count * size
      return count === 0 ? '' : `${count}${unit}`
    })
    .join('')
}

/** Milliseconds of a stage, with one decimal above a second: `12ms`, `1.4s`, `2m5s`. */
export function describeElapsed(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)}s` : describeDuration(ms)
}
