import { DurationError, parseDuration as parseWireDuration } from '@berth/schema/rules'
import { UsageError } from './failures.ts'

const secondMs = 1000
export const minuteMs = 60 * secondMs
export const hourMs = 60 * minuteMs
const dayHours = 24
export const dayMs = dayHours * hourMs

/**
 * Reads a duration such as `8h`, `1h30m`, `90s` or `2d`. A number without a unit counts minutes.
 *
 * @returns milliseconds.
 * @throws UsageError if the text isn't a duration.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim().toLowerCase()
  if (/^\d+$/.test(trimmed)) return Number(trimmed) * minuteMs
  const withoutDays = trimmed.replaceAll(/(\d+(?:\.\d+)?)d/g, (_, days: string) => `${Number(days) * dayHours}h`)
  try {
    if (/^\d/.test(withoutDays)) return Math.round(parseWireDuration(withoutDays))
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
  }
  throw new UsageError(`"${text}" isn't a valid duration. Use a format such as 8h, 1h30m or 45m; a number without a unit means minutes.`)
}

/**
 * Writes a duration in its two largest units, readable by {@link parseDuration}: `1h30m`, `45m`,
 * `12s`, `340ms`.
 */
export function describeDuration(ms: number): string {
  if (ms < secondMs) return `${Math.max(0, Math.round(ms))}ms`
  const units = [
    ['d', dayMs],
    ['h', hourMs],
    ['m', minuteMs],
    ['s', secondMs],
  ] as const
  let leftMs = Math.round(ms / secondMs) * secondMs
  const first = units.findIndex(([, unitMs]) => leftMs >= unitMs)
  return units
    .slice(first, first + 2)
    .map(([unit, unitMs]) => {
      const count = Math.floor(leftMs / unitMs)
      leftMs -= count * unitMs
      return count === 0 ? '' : `${count}${unit}`
    })
    .join('')
}

/** Writes how long something took, with one decimal above a second: `12ms`, `1.4s`, `2m5s`. */
export function describeElapsed(ms: number): string {
  return ms < secondMs || ms >= minuteMs ? describeDuration(ms) : `${(ms / secondMs).toFixed(1)}s`
}
