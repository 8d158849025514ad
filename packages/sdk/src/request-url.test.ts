import { describe, expect, test } from 'vitest'
import { expandPath, parseServerUrl, queryString } from './request-url.ts'

describe('parseServerUrl', () => {
  test.each([
    ['http://localhost:3000', 'http://localhost:3000'],
    ['https://berth.example.com/', 'https://berth.example.com'],
    ['https://example.com/tools/berth/', 'https://example.com/tools/berth'],
    ['HTTPS://Example.com:443', 'https://example.com'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s is read as %s', (text, url) => {
    expect(parseServerUrl(text)).toBe(url)
    expect(parseServerUrl(new URL(text))).toBe(url)
  })

  test.each(['', 'localhost:3000', 'ftp://example.com', '/api', 'http://', 'http://ada:secret@example.com', 'http://a/?b', 'http://a/#b'])(
    '"%s" is refused',
    (text) => {
      expect(() => parseServerUrl(text)).toThrow(TypeError)
    },
  )

  test('an error does not show a password in the URL', () => {
    expect(() => parseServerUrl('http://ada:secret@example.com')).not.toThrow('secret')
  })
})

describe('expandPath', () => {
  test.each(['', '.', '..', '\uD800'])('refuses %j, which no segment can carry', (user) => {
    expect(() => expandPath('/users/:user', { user })).toThrow(/^The path parameter "user" of \/users\/:user is "/)
  })

  test('refuses a missing parameter', () => {
    expect(() => expandPath('/users/:user', {})).toThrow('is missing')
  })
})

/** Characters with a meaning in URLs, and some of each length in UTF-8. */
const alphabet = [
  ...Array.from('/?#%&=+;: .\\"<>|`{}[]()\'~!*,@$^'),
  '\0',
  '\n',
  '\r',
  '\t',
  'a',
  'Z',
  '9',
  'é',
  '名',
  '🚢',
  '%2F',
  '%2e',
  '..',
]

/** Returns the same texts in every run: a linear congruential sequence over the alphabet. */
function* texts(count: number): Generator<string> {
  let state = 1
  const next = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  for (let index = 0; index < count; index += 1) {
    yield Array.from({ length: 1 + next(12) }, () => alphabet[next(alphabet.length)]).join('')
  }
}

test('any text survives in a path, within its segment', () => {
  for (const text of texts(3000)) {
    if (text === '..' || text === '.') continue
    const url = new URL(`http://localhost${expandPath('/users/:user/keys', { user: text })}`)
    const segments = url.pathname.split('/')
    expect([segments.length, segments[1], decodeURIComponent(segments[2] ?? ''), segments[3]]).toEqual([4, 'users', text, 'keys'])
    expect(url.search + url.hash).toBe('')
  }
})

test('any text survives in a query', () => {
  for (const text of texts(3000)) {
    const url = new URL(`http://localhost/${queryString({ [`key${text}`]: text, none: undefined, number: -1, no: false })}`)
    expect([...url.searchParams]).toEqual([
      [`key${text}`, text],
      ['number', '-1'],
      ['no', 'false'],
    ])
  }
})

test('an empty query is an empty text', () => {
  expect(queryString()).toBe('')
  expect(queryString({ owner: undefined })).toBe('')
  expect(queryString({ follow: '' })).toBe('?follow=')
})
