import { expect, test } from 'vitest'
import { nearest, typos } from './nearest.ts'

const keys = ['name', 'agents', 'startup_script', 'os', 'arch']

test.each([
  ['nmae', 'name'],
  ['agent', 'agents'],
  ['startupscript', 'startup_script'],
  ['startup-script', 'startup_script'],
  ['Name', 'name'],
  ['arhc', 'arch'],
])('%s is probably meant as %s', (word, meant) => {
  expect(nearest(word, keys)).toBe(meant)
})

test.each(['image', 'x', 'metadata', 'toString'])('%s is like none of the keys', (word) => {
  expect(nearest(word, keys)).toBeUndefined()
})

test.each([
  ['list', 'list', 0],
  ['lsit', 'list', 1],
  ['templtes', 'templates', 1],
  ['', 'abc', 3],
])('%s and %s are %d typos apart', (from, to, distance) => {
  expect(typos(from, to)).toBe(distance)
  expect(typos(to, from)).toBe(distance)
})

test('a far word suggests nothing, however long it is', () => {
  expect(nearest('frobnicate', ['list', 'stop'])).toBeUndefined()
  expect(nearest('x'.repeat(100_000), ['list'])).toBeUndefined()
})
