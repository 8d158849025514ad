import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { spreadOf, type Spread } from './round-trips.ts'

test.each<[number[], Spread]>([
  [[5], { min: 5, avg: 5, p50: 5, max: 5 }],
  [[3, 1], { min: 1, avg: 2, p50: 2, max: 3 }],
  [[9, 1, 2], { min: 1, avg: 4, p50: 2, max: 9 }],
  [[4, 1, 2, 3], { min: 1, avg: 2.5, p50: 2.5, max: 4 }],
])('%j is summarized by its shortest, average, middle and longest', (times, expected) => {
  expect(spreadOf(times)).toEqual(expected)
})

test('the middle lies between the shortest and the longest', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), (times) => {
      const { min, p50, max } = spreadOf(times)
      expect(min).toBeLessThanOrEqual(p50)
      expect(p50).toBeLessThanOrEqual(max)
    }),
  )
})
