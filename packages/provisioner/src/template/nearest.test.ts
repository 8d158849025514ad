import { expect, test } from 'vitest'
import { nearest, slips } from './nearest.ts'

const keys = ['name', 'agents', 'startup_script', 'os', 'arch']

test.each([
  ['nmae', 'name'],
  ['agent', 'agents'],
  ['startupscript', 'startup_script'],
  ['startup-script', 'startup_script'],
  ['Name', 'name'],
  ['arhc', 'arch'],
])('%s is probably %s', (word, meant) => {
  expect(nearest(word, keys)).toBe(meant)
})

test.each(['image', 'x', 'metadata', 'toString'])('%s is like nothing', (word) => {
  expect(nearest(word, keys)).toBeUndefined()
})

test.each([
  ['list', 'list', 0],
  ['lsit', 'list', 1],
  ['templtes', 'templates', 1],
  ['', 'abc', 3],
])('%s and %s are %d slips apart', (from, to, distance) => {
  expect(slips(from, to)).toBe(distance)
  expect(slips(to, from)).toBe(distance)
})

test('a far word suggests nothing, however long it is', () => {
  expect(nearest('frobnicate', ['list', 'stop'])).toBeUndefined()
  expect(nearest('x'.repeat(100_000), ['list'])).toBeUndefined()
})
