import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SpeedMeter } from './speed-meter.ts'

/** Measures bytes that pass at some times, in milliseconds. */
function measured(passing: readonly (readonly [atMs: number, bytes: number])[]) {
  let now = 5000
  const meter = new SpeedMeter({ monotonicMs: () => now })
  for (const [atMs, bytes] of passing) {
    now = 5000 + atMs
    meter.add(bytes)
  }
  return meter.result()
}

test.each([
  [
    'each second has its bytes',
    [
      [10, 1],
      [990, 2],
      [1500, 4],
    ],
    [
      [0, 1000, 3],
      [1000, 1500, 4],
    ],
  ],
  [
    'a second without bytes is there too',
    [
      [10, 1],
      [2600, 4],
    ],
    [
      [0, 1000, 1],
      [1000, 2000, 0],
      [2000, 2600, 4],
    ],
  ],
  [
    'a short rest belongs to the second before',
    [
      [10, 1],
      [1020, 4],
    ],
    [[0, 1020, 5]],
  ],
  ['a short test is one interval', [[20, 3]], [[0, 20, 3]]],
  ['nothing is nothing', [], [[0, 0, 0]]],
] as const)('%s', (_, passing, intervals) => {
  expect(measured(passing).intervals.map(({ fromMs, toMs, bytes }) => [fromMs, toMs, bytes])).toEqual(intervals)
})

test('the intervals follow one another and add up to the total', () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 1200 }), fc.nat({ max: 1000 })), { minLength: 1 })
  fc.assert(
    fc.property(steps, (passing) => {
      let atMs = 0
      const { intervals, total } = measured(passing.map(([laterMs, bytes]) => [(atMs += laterMs), bytes]))
      expect(intervals.map(({ fromMs }) => fromMs)).toEqual([0, ...intervals.slice(0, -1).map(({ toMs }) => toMs)])
      expect(intervals.at(-1)?.toMs).toBe(atMs)
      expect(total).toEqual({ fromMs: 0, toMs: atMs, bytes: passing.reduce((sum, [, bytes]) => sum + bytes, 0) })
    }),
  )
})
