import { assert, maxSafeInteger, property } from 'fast-check'
import { expect, test } from 'vitest'
import { columnValues, readInteger, readTimestamp } from './column-values.ts'

test.each([
  ['2022-12-19 10:00:00+00', '2022-12-19T10:00:00Z'],
  ['2022-12-19 10:00:00.12+00', '2022-12-19T10:00:00.12Z'],
  ['2022-12-19 10:00:00.123456+00', '2022-12-19T10:00:00.123456Z'],
  ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00Z'],
  ['9999-12-31 23:59:59.999999+00', '9999-12-31T23:59:59.999999Z'],
])('%s is the time %s', (text, time) => {
  expect(readTimestamp(text)).toBe(time)
})

test.each(['infinity', '-infinity', '0044-03-15 12:00:00+00 BC', '10000-01-01 00:00:00+00', '2022-12-19 10:00:00+01', ''])(
  '%j has no spelling on the wire',
  (text) => {
    expect(() => readTimestamp(text)).toThrow(RangeError)
  },
)

test('every safe integer is read as itself', () => {
  assert(property(maxSafeInteger(), (value) => readInteger(String(value)) === value))
})

test.each(['9007199254740992', '-9223372036854775808'])('%s is too large for a number', (text) => {
  expect(() => readInteger(text)).toThrow(RangeError)
})

test('arrays of given enums are read as arrays, even labels with commas and quotes', () => {
  // The types of `pg` name built-in types only.
  const parserOf = columnValues(new Set([70_000])).getTypeParser as unknown as (oid: number) => (text: string) => unknown
  const read = parserOf(70_000)
  expect(read('{a,"b,c","d\\"e",NULL}')).toEqual(['a', 'b,c', 'd"e', null])
})
