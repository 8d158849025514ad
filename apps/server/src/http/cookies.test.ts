import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { deleteCookieText, readCookies, setCookieText } from './cookies.ts'

test.each([
  ['a=b; c=d', { a: 'b', c: 'd' }],
  ['a=first; a=second', { a: 'first' }],
  [' a = b ;c=d', { a: 'b', c: 'd' }],
  ['a="quoted"; b="half', { a: 'quoted', b: '"half' }],
  ['a=x=y==; b=%2Fpath', { a: 'x=y==', b: '%2Fpath' }],
  ['word; a=b', { a: 'b' }],
  ['a=', { a: '' }],
  ['__proto__=a; toString=b', { ['__proto__']: 'a', toString: 'b' }],
  ['', {}],
])('%s is read as %o', (header, expected) => {
  const request = new IncomingMessage(new Socket())
  request.headers.cookie = header
  expect(Object.entries(readCookies(request))).toEqual(Object.entries(expected))
})

test('a request without cookies has none, not even inherited names', () => {
  const cookies = readCookies(new IncomingMessage(new Socket()))
  expect([cookies['a'], cookies['constructor']]).toEqual([undefined, undefined])
})

test('a cookie is out of reach for scripts and for writes of other sites', () => {
  expect(setCookieText('a', 'b', false)).toBe('a=b; Path=/; HttpOnly; SameSite=Lax')
  expect(setCookieText('a', 'b', true)).toBe('a=b; Path=/; HttpOnly; SameSite=Lax; Secure')
  expect(deleteCookieText('a', false)).toBe('a=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')
})
