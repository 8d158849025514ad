import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { TtlError, checkTtl } from './ttl.ts'

const second = 1000
const minute = 60 * second
const week = 7 * 24 * 60 * minute

it.each([
  [minute, minute],
  [minute + 59_999, minute],
  [90 * second, minute],
  [12 * 60 * minute, 12 * 60 * minute],
  [week, week],
  [week + 59_999, week],
])('%d ms is stored as %d', (given, stored) => expect(checkTtl(given)).toBe(stored))

it.each([0, 1, 30 * second, 59_999, -1, -week, -Infinity, Number.MIN_SAFE_INTEGER, NaN])('%d ms is less than a minute', (given) => {
  expect(() => checkTtl(given)).toThrow(new TtlError('time until shutdown must be at least one minute'))
})

it.each([week + minute, Number.MAX_SAFE_INTEGER, Infinity])('%d ms is more than 7 days', (given) => {
  expect(() => checkTtl(given)).toThrow(new TtlError('time until shutdown must be less than 7 days'))
})

it('the stored value is rounded down to whole minutes', () => {
  fc.assert(
    fc.property(fc.integer({ min: minute, max: week + 59_999 }), (given) => {
      const stored = checkTtl(given)
      expect(stored % minute).toBe(0)
      expect(given - stored).toBeGreaterThanOrEqual(0)
      expect(given - stored).toBeLessThan(minute)
    }),
  )
})
