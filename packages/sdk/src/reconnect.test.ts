import { expect, test } from 'vitest'
import { ApiError } from './api-error.ts'
import { ConnectionError } from './connection-error.ts'
import { backoffMs, isFinal } from './reconnect.ts'

test('delays double from 250 ms to 10 s', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 100].map((attempt) => backoffMs(attempt, () => 0))).toEqual([
    250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000,
  ])
})

test('a delay is randomly shortened by up to half', () => {
  expect(backoffMs(0, () => 0.5)).toBe(187.5)
  expect(backoffMs(100, () => 1)).toBe(5000)
})

const asked = { method: 'GET', url: 'http://localhost' }

test.each([
  [400, true],
  [401, true],
  [404, true],
  [307, true],
  [408, false],
  [429, false],
  [500, false],
  [503, false],
])('a %i is final: %s', (status, expected) => {
  expect(isFinal(new ApiError({ ...asked, status, message: '' }))).toBe(expected)
})

test('a broken connection is not final, a mistake in the program is', () => {
  expect(isFinal(new ConnectionError('', { ...asked, cause: undefined }))).toBe(false)
  expect(isFinal(new TypeError())).toBe(true)
})
