import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DurationError, formatDuration, parseDuration } from './duration.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['+0', 0],
    ['-0', 0],
    ['0s', 0],
    ['150ms', 150],
    ['5s', 5 * second],
    ['30m', 30 * minute],
    ['1h30m', 90 * minute],
    ['1.5h', 90 * minute],
    ['-2m', -2 * minute],
    ['+5s', 5 * second],
    ['.5s', 500],
    ['5.s', 5 * second],
    ['1m0.5s', minute + 500],
    ['3h4m5s6ms', 3 * hour + 4 * minute + 5 * second + 6],
    ['100ns', 0.0001],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['1μs', 0.001],
    ['1.0000000000000000000000001h', hour],
    ['0.3333333333333333333h', 20 * minute - 0.000001],
    ['720h', 720 * hour],
    ['00000000000000000000000001s', second],
    ['9223372036854775807ns', 2 ** 63 / 1e6],
    ['-9223372036854775808ns', -(2 ** 63) / 1e6],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each([
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['x', 'time: invalid duration "x"'],
    ['.', 'time: invalid duration "."'],
    ['.s', 'time: invalid duration ".s"'],
    ['+.s', 'time: invalid duration "+.s"'],
    ['h', 'time: invalid duration "h"'],
    ['1h.m', 'time: invalid duration "1h.m"'],
    ['3', 'time: missing unit in duration "3"'],
    ['00', 'time: missing unit in duration "00"'],
    ['1h3', 'time: missing unit in duration "1h3"'],
    ['1.2.3s', 'time: missing unit in duration "1.2.3s"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['1h 30m', 'time: unknown unit "h " in duration "1h 30m"'],
    ['1H', 'time: unknown unit "H" in duration "1H"'],
    ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
    ['1h-30m', 'time: unknown unit "h-" in duration "1h-30m"'],
    ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
    ['2562048h', 'time: invalid duration "2562048h"'],
    ['99999999999999999999s', 'time: invalid duration "99999999999999999999s"'],
  ])('%j is refused', (text, message) => expect(() => parseDuration(text)).toThrow(new DurationError(message)))
})

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [-0, '0s'],
    [0.000001, '1ns'],
    [0.0011, '1.1µs'],
    [1.5, '1.5ms'],
    [150, '150ms'],
    [second, '1s'],
    [1500, '1.5s'],
    [59_999.5, '59.9995s'],
    [minute, '1m0s'],
    [90 * minute, '1h30m0s'],
    [hour + 500, '1h0m0.5s'],
    [720 * hour, '720h0m0s'],
    [-90 * second, '-1m30s'],
    [0.0000004, '0s'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('writes what parseDuration can read back', () => {
    fc.assert(fc.property(fc.integer({ min: -9e12, max: 9e12 }), (ms) => parseDuration(formatDuration(ms)) === ms))
    const ns = fc.oneof(fc.integer(), fc.maxSafeInteger())
    const example: [number] = [-5_444_207] // adding whole milliseconds and the rest is off by one unit in the last place
    fc.assert(
      fc.property(ns, (count) => parseDuration(formatDuration(count / 1e6)) === count / 1e6),
      { examples: [example] },
    )
  })
})

it('any text is a duration or a DurationError', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('1', '0', '.', 'h', 'm', 's', '-', 'µ')), (pieces) => {
      try {
        return Number.isFinite(parseDuration(pieces.join('')))
      } catch (error) {
        return error instanceof DurationError
      }
    }),
  )
})
