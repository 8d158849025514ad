import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { writeJson } from './json-writer.ts'

it.each([
  [{ message: '👋' }, '{"message":"👋"}\n'],
  [[], '[]\n'],
  [null, 'null\n'],
  [undefined, 'null\n'],
  [{ gone: undefined, kept: null }, '{"kept":null}\n'],
  ['<a href="x">&</a>', '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u003c/a\\u003e"\n'],
  ['a\u2028b\u2029c', '"a\\u2028b\\u2029c"\n'],
  [{ '<key>': 1 }, '{"\\u003ckey\\u003e":1}\n'],
])('writes %j', (value, text) => expect(writeJson(value)).toBe(text))

it('every value is one line that reads back as itself and is safe inside a page', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = writeJson(value)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(text).toMatch(/^[^<>&\u2028\u2029\n]*\n$/)
    }),
  )
})
