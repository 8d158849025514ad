import { expect, test } from 'vitest'
import { backOffMs, longestPauseMs, pauseMs } from './back-off.ts'

test('the first pause is at most 100 ms and none is longer than 1.5 s', () => {
  expect(backOffMs(1, () => 1)).toBe(100)
  for (let failures = 1; failures < 2_000; failures += 1) {
    expect(backOffMs(failures, () => 1)).toBeLessThanOrEqual(longestPauseMs)
    expect(backOffMs(failures, () => 0)).toBe(0)
  }
})

test.each([
  ['a fresh agent with a refused token', { failures: 30, status: 401, outdated: false, uptimeMs: 4_000 }, 50, 100],
  ['a refused token after the start', { failures: 30, status: 401, outdated: false, uptimeMs: 20_000 }, 0, 1_500],
  ['a token refused for long', { failures: 30, status: 401, outdated: false, uptimeMs: 70_000 }, 10_000, 20_000],
  ['an outdated build', { failures: 1, status: 403, outdated: true, uptimeMs: 100 }, 10_000, 20_000],
  ['a server that is away', { failures: 30, outdated: false, uptimeMs: 1e9 }, 0, 1_500],
])('%s waits from %j', (_title, attempt, atLeast, atMost) => {
  expect(pauseMs(attempt, () => 0)).toBe(atLeast)
  expect(pauseMs(attempt, () => 1)).toBe(atMost)
})
