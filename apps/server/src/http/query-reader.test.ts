import { Type } from '@sinclair/typebox'
import { Failure, LogQuery } from '@berth/schema'
import { NIL_UUID } from '@berth/schema/rules'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { queryReader } from './query-reader.ts'
import { pathOf, queryOf } from './request-target.ts'

const id = '0195a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b'

const read = queryReader(
  Type.Object({
    after_id: Type.Optional(Type.String({ format: 'uuid' })),
    limit: Type.Optional(Type.Integer({ minimum: 0 })),
    before: Type.Optional(Type.Integer()),
    since: Type.Optional(Type.String({ format: 'date-time' })),
    all: Type.Optional(Type.Boolean()),
    status: Type.Optional(Type.Union([Type.Literal('on'), Type.Literal('off')], { type: 'string', enum: ['on', 'off'] })),
    q: Type.Optional(Type.String()),
    hidden: Type.Optional(Type.Integer({ reportedAs: 'shown' })),
  }),
)
const readText = (text: string) => read(new URLSearchParams(text))

function refusedBy(text: string, reader = read): unknown {
  try {
    reader(new URLSearchParams(text))
  } catch (error) {
    if (Failure.is(error)) return [error.code, error.validations]
    throw error
  }
  throw new Error(`${text} was accepted`)
}

describe('a query', () => {
  it.each([
    ['', {}],
    ['limit=&after_id=&all=&status=&since=&before=', {}],
    ['q=', { q: '' }],
    ['limit=25&offset=x', { limit: 25 }],
    ['limit=%2B5', { limit: 5 }],
    ['limit=007', { limit: 7 }],
    ['limit=1&limit=x', { limit: 1 }],
    ['limit=9223372036854775807', { limit: Number.MAX_SAFE_INTEGER }],
    ['before=-3', { before: -3 }],
    [`after_id=${id.toUpperCase()}`, { after_id: id }],
    [`after_id=${NIL_UUID}&limit=3`, { limit: 3 }],
    ['all=T', { all: true }],
    ['all=0', { all: false }],
    ['status=off', { status: 'off' }],
    ['since=2022-12-19T10:00:00Z', { since: '2022-12-19T10:00:00Z' }],
    ['q=a+b%26c', { q: 'a b&c' }],
    ['Limit=x&LIMIT=y', {}],
    ['__proto__=1&constructor=2', {}],
  ])('%s', (text, values) => expect(readText(text)).toEqual(values))

  it('reports all bad parameters together, in the order of the contract', () => {
    expect(refusedBy('limit=-1&before=x&after_id=abc&all=maybe&status=up&since=now&hidden=z&q=%00')).toEqual([
      'invalid_query',
      [
        { field: 'after_id', detail: 'Query param "after_id" must be a valid UUID (invalid UUID length: 3)' },
        { field: 'limit', detail: 'Query param "limit" must be at least 0' },
        { field: 'before', detail: 'Query param "before" must be a valid integer (strconv.ParseInt: parsing "x": invalid syntax)' },
        {
          field: 'since',
          detail:
            'Query param "since" must be a valid RFC 3339 time (parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006")',
        },
        { field: 'all', detail: 'strconv.ParseBool: parsing "maybe": invalid syntax' },
        { field: 'status', detail: 'Query param "status" has invalid value: "up" is not one of on, off' },
        { field: 'q', detail: 'Query param "q" contains a NUL character' },
        { field: 'shown', detail: 'Query param "hidden" must be a valid integer (strconv.ParseInt: parsing "z": invalid syntax)' },
      ],
    ])
  })

  it('of a log reports bounds that are not integers', () => {
    const readLog = queryReader(LogQuery)
    expect(readLog(new URLSearchParams('before=7&after=-1'))).toEqual({ before: 7, after: -1 })
    expect(refusedBy('before=1.5&after=x', readLog)).toEqual([
      'invalid_query',
      [
        { field: 'before', detail: 'Must be an integer' },
        { field: 'after', detail: 'Must be an integer' },
      ],
    ])
  })

  it('without a required parameter is refused', () => {
    const strict = queryReader(Type.Object({ needed: Type.String() }))
    for (const text of ['', 'needed=']) expect(() => strict(new URLSearchParams(text))).toThrow(Failure)
    expect(strict(new URLSearchParams('needed=x'))).toEqual({ needed: 'x' })
  })

  it('of any text is read or refused with 400', () => {
    const pairs = fc.array(
      fc.tuple(fc.constantFrom('after_id', 'limit', 'before', 'since', 'all', 'status', 'q', 'hidden'), fc.string({ unit: 'binary' })),
    )
    fc.assert(
      fc.property(pairs, (list) => {
        try {
          read(new URLSearchParams(list))
        } catch (error) {
          if (!Failure.is(error) || error.status !== 400) throw error
        }
      }),
    )
  })
})

describe('a request target', () => {
  it.each([
    ['/a/b?c=d', '/a/b', { c: 'd' }],
    ['/a', '/a', {}],
    ['/a?', '/a', {}],
    ['/a?b?c=d', '/a', { 'b?c': 'd' }],
    ['/a?b=c#d?e=f', '/a', { b: 'c' }],
    ['//a/b?c=d', '//a/b', { c: 'd' }],
    ['//', '//', {}],
    ['http://example.com/a?b=c', '/a', { b: 'c' }],
    ['http://[broken/a?b=c', '/a', { b: 'c' }],
    ['http://example.com?b=c', '', { b: 'c' }],
    ['*', '*', {}],
    ['', '', {}],
  ])('%s', (target, path, query) => {
    expect(pathOf(target)).toBe(path)
    expect(Object.fromEntries(queryOf(target))).toEqual(query)
  })

  it('of any text can be read', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (target) => void [pathOf(target), queryOf(target)]))
  })
})
