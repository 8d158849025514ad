import { verifies } from '@berth/requirements'
import { runs } from '@berth/vitest/fuzz'
import * as fastCheck from 'fast-check'
import { expect, test } from 'vitest'
import { localPath } from './local-path.ts'

const ACCESS_URL = 'https://berth.example.com'

test.each([
  ['', '/'],
  ['/', '/'],
  ['/templates?filter=a&b=c#d', '/templates?filter=a&b=c#d'],
  ['/@ada/space/apps/code/', '/@ada/space/apps/code/'],
  ['https://berth.example.com/workspaces', '/workspaces'],
  ['/a/../b', '/b'],
  ['/a;b', '/a%3Bb'],
  ['templates', '/'],
  ['//elsewhere.example.com', '/'],
  ['/\\elsewhere.example.com', '/'],
  ['\\\\elsewhere.example.com', '/'],
  ['/\t/elsewhere.example.com', '/'],
  ['/.//elsewhere.example.com', '/'],
  ['https://elsewhere.example.com/', '/'],
  ['https://berth.example.com//elsewhere.example.com', '/'],
  ['https://berth.example.com@elsewhere.example.com/', '/'],
  ['http://berth.example.com/', '/'],
  ['javascript:alert(1)', '/'],
  ['data:text/html,hello', '/'],
])('%j leads to %j', (text, path) => {
  verifies('oauth:redirect')
  expect(localPath(text, ACCESS_URL)).toBe(path)
})

test('for any text, a browser stays on the deployment and the cookie stays one cookie', () => {
  verifies('oauth:redirect')
  const parts = [
    '/',
    '\\',
    '.',
    '..',
    ':',
    '@',
    '?',
    '#',
    ';',
    ' ',
    '\t',
    '\n',
    'https',
    'javascript',
    'elsewhere.example.com',
    '%2f',
    '%5c',
    'ä',
  ]
  const text = fastCheck
    .array(fastCheck.oneof(fastCheck.constantFrom(...parts), fastCheck.string()), { maxLength: 8 })
    .map((words) => words.join(''))
  fastCheck.assert(
    fastCheck.property(text, (asked) => {
      const path = localPath(asked, ACCESS_URL)
      expect(new URL(path, ACCESS_URL).origin).toBe(ACCESS_URL)
      expect(path).toMatch(/^\/(?!\/)[^;\s]*$/)
    }),
    { numRuns: runs(2_000) },
  )
})
