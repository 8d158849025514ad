import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonSyntaxError, plainJson, readJson } from './json-reader.ts'

const plain = (text: string) => plainJson(readJson(text))
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
/**
 * Replaces lone surrogates in a value. JSON.stringify escapes them, and only them, with a `d` after
 * the `u`.
 */
const wellFormed = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replace(/\\ud[89a-f][0-9a-f]{2}/g, '\uFFFD'))

describe('the first value', () => {
  it.each([
    ['{}', {}],
    [' \t\r\n[] ', []],
    ['null', null],
    ['{"a": 1 , "b" : [true,false , null,"x"]}', { a: 1, b: [true, false, null, 'x'] }],
    ['{"a":1} trailing', { a: 1 }],
    ['{"a":1}{"b":2}', { a: 1 }],
    ['[1]]', [1]],
    ['truefalse', true],
    ['nullx', null],
    ['"a""b"', 'a'],
    ['01', 0],
    ['-0', -0],
    ['1.5.3', 1.5],
    ['1e2.5', 100],
    ['12-3', 12],
  ])('of %s is read, whatever follows', (text, value) => expect(plain(text)).toEqual(value))

  it('a number keeps its spelling', () => {
    expect(readJson('1e3')).toEqual({ kind: 'number', text: '1e3', value: 1000 })
    expect(readJson('-1.0')).toEqual({ kind: 'number', text: '-1.0', value: -1 })
    expect(readJson('9223372036854775807')).toMatchObject({ text: '9223372036854775807' })
    expect(readJson('1E+400')).toEqual({ kind: 'number', text: '1E+400', value: Infinity })
  })

  it('an object keeps repeated names in order, and names in their own case', () => {
    expect(readJson('{"name":"a","NAME":null,"name":"b"}')).toEqual({
      kind: 'object',
      entries: [
        ['name', 'a'],
        ['NAME', null],
        ['name', 'b'],
      ],
    })
  })

  it('__proto__ is an ordinary name', () => {
    const value = plain('{"__proto__":{"admin":true},"constructor":1}')
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor'])
    expect((value as { admin?: boolean }).admin).toBeUndefined()
  })

  it.each([
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'],
    ['"\\u0041\\u00e9\\u4E2D"', 'Aé中'],
    ['"\\ud83d\\ude00!"', '😀!'],
    ['"\\ud83d"', '\uFFFD'],
    ['"\\ude00\\ud83d"', '\uFFFD\uFFFD'],
    ['"\\ud83dA"', '\uFFFDA'],
    ['"\\ud83d\\u0041"', '\uFFFDA'],
    ['"\\ud83d\\ud83d\\ude00"', '\uFFFD😀'],
    ['"\\ud83d\\n"', '\uFFFD\n'],
    ['"\ud83d"', '\uFFFD'],
    ['"\u007f\u0085\u2028"', '\u007f\u0085\u2028'],
    ['"\u0085\\u0085\u0080"', '\u0085\u0085\u0080'],
  ])('string %s', (text, value) => expect(plain(text)).toBe(value))
})

describe('a text that is not JSON', () => {
  it.each([
    ['', 'EOF'],
    [' \n\t', 'EOF'],
    ['{', 'unexpected EOF'],
    ['{"a"', 'unexpected EOF'],
    ['{"a":', 'unexpected EOF'],
    ['{"a":1', 'unexpected EOF'],
    ['{"a":1,', 'unexpected EOF'],
    ['[1,', 'unexpected EOF'],
    ['"abc', 'unexpected EOF'],
    ['"abc\\', 'unexpected EOF'],
    ['"abc\\u00', 'unexpected EOF'],
    ['tru', 'unexpected EOF'],
    ['-', 'unexpected EOF'],
    ['1.', 'unexpected EOF'],
    ['1e', 'unexpected EOF'],
    ['1e+', 'unexpected EOF'],
    ['hello', "invalid character 'h' looking for beginning of value"],
    ['\uFEFF{}', "invalid character '\uFEFF' looking for beginning of value"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['\u0000', "invalid character '\\u0000' looking for beginning of value"],
    ['+1', "invalid character '+' looking for beginning of value"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['[😀]', "invalid character '😀' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[01]', "invalid character '1' after array element"],
    ['[1}', "invalid character '}' after array element"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\\'"', "invalid character '\\'' in string escape code"],
    ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"\\u00"', "invalid character '\"' in \\u hexadecimal character escape"],
    ['"\\ud83d\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['trye', "invalid character 'y' in literal true (expecting 'u')"],
    ['fAlse', "invalid character 'A' in literal false (expecting 'a')"],
    ['nul1', "invalid character '1' in literal null (expecting 'l')"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1.5ex', "invalid character 'x' in exponent of numeric literal"],
    ['0e-x', "invalid character 'x' in exponent of numeric literal"],
  ])('%j is refused with %j', (text, message) => {
    expect(() => readJson(text)).toThrow(new JsonSyntaxError(message))
  })

  it('a thousand levels are read, one more or a million more are refused', () => {
    expect(JSON.stringify(plain(nested(1000)))).toBe(nested(1000))
    expect(() => readJson(nested(1001))).toThrow(new JsonSyntaxError('exceeded max depth'))
    expect(() => readJson('{"a":['.repeat(500_000))).toThrow(new JsonSyntaxError('exceeded max depth'))
  })
})

it('a hundred thousand values are read, and one more is refused', () => {
  expect(plain(`[${'1,'.repeat(99_998)}1]`)).toHaveLength(99_999)
  for (const text of [`[${'1,'.repeat(99_999)}1]`, `{${'"a":1,'.repeat(1_000_000)}`, `[${'[],'.repeat(1_000_000)}`])
    expect(() => readJson(text)).toThrow(new JsonSyntaxError('exceeded max number of values'))
})

describe('any text', () => {
  it('written by JSON.stringify is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        expect(plain(text)).toEqual(wellFormed(JSON.parse(text)))
      }),
    )
  })

  it('cut short is refused as cut short', () => {
    fc.assert(
      fc.property(fc.oneof(fc.object(), fc.array(fc.jsonValue()), fc.string()), fc.nat(), (value, cut) => {
        const text = JSON.stringify(value)
        const prefix = text.slice(0, cut % text.length)
        expect(() => readJson(prefix)).toThrow(new JsonSyntaxError(prefix === '' ? 'EOF' : 'unexpected EOF'))
      }),
    )
  })

  it('is either read, or refused with a JsonSyntaxError, exactly where JSON.parse agrees', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u00',
      '0',
      '1',
      '-',
      '.',
      'e',
      '+',
      'true',
      'nul',
      'a',
      ' ',
      '\n',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((pieces) => pieces.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          let parsed: { value: unknown } | undefined
          try {
            parsed = { value: JSON.parse(text) }
          } catch {}
          try {
            const value = plain(text)
            if (parsed !== undefined) expect(value).toEqual(parsed.value)
          } catch (error) {
            expect(error).toBeInstanceOf(JsonSyntaxError)
            expect(parsed).toBeUndefined()
          }
        },
      ),
      { numRuns: runs(2000) },
    )
  })
})
