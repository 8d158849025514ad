import { expect, test } from 'vitest'
import { nearest } from './nearest.ts'

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
