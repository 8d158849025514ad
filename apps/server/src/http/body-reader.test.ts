import { Type } from '@sinclair/typebox'
import { CreateWorkspaceBuildRequest, Failure } from '@berth/schema'
import { NIL_UUID, ZERO_TIME } from '@berth/schema/rules'
import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyReader } from './body-reader.ts'

const id = '0195a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b'

const Body = Type.Object({
  name: Type.String(),
  id: Type.String({ format: 'uuid' }),
  at: Type.String({ format: 'date-time' }),
  count: Type.Integer(),
  flag: Type.Boolean(),
  list: Type.Array(Type.Integer()),
  nested: Type.Object({ inner: Type.String(), optional: Type.Optional(Type.String()) }),
  bytes: Type.Optional(Type.String({ format: 'byte' })),
  nullable: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  map: Type.Optional(Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.Integer())),
  byId: Type.Optional(Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.String(), { keyFormat: 'uuid' })),
})

const read = bodyReader(Body)
const zero = { name: '', id: NIL_UUID, at: ZERO_TIME, count: 0, flag: false, list: [], nested: { inner: '' } }

function refusalOf(reader: (text: string) => unknown, text: string): Failure {
  try {
    reader(text)
  } catch (error) {
    if (Failure.is(error)) return error
    throw error
  }
  throw new Error(`${text} was accepted`)
}

describe('what is absent', () => {
  it.each(['{}', 'null', '{"name":null,"id":null,"at":null,"count":null,"flag":null,"list":null,"nested":null,"bytes":null}'])(
    'in %s is the zero value, or nothing where the field is optional',
    (text) => expect(read(text)).toEqual(zero),
  )

  it('in a given object is the zero value too', () => {
    expect(read('{"nested":{}}')).toEqual(zero)
    expect(read('{"list":[null,1]}')).toEqual({ ...zero, list: [0, 1] })
    expect(read('{"map":{"a":null}}')).toEqual({ ...zero, map: { a: 0 } })
  })

  it('is made anew for each request', () => {
    const first = read('{}') as { list: number[] }
    first.list.push(1)
    expect(read('{}')).toEqual(zero)
  })
})

describe('names', () => {
  it.each([
    ['{"NAME":"a"}', { name: 'a' }],
    ['{"name":"a","Name":"b"}', { name: 'b' }],
    ['{"Name":"b","name":"a"}', { name: 'a' }],
    ['{"name":"a","name":null}', { name: 'a' }],
    ['{"unknown":{"deep":[{}]},"count":7}', { count: 7 }],
    ['{"__proto__":{"name":"x"},"constructor":{},"hasOwnProperty":1}', {}],
    ['{"nested":{"INNER":"a","OPTIONAL":"b"}}', { nested: { inner: 'a', optional: 'b' } }],
  ])('of %s', (text, fields) => expect(read(text)).toEqual({ ...zero, ...fields }))
})

describe('values', () => {
  it.each([
    [`{"id":"${id.toUpperCase()}"}`, { id }],
    [`{"id":"urn:uuid:${id}"}`, { id }],
    [`{"id":"{${id}}"}`, { id }],
    [`{"id":"${id.replaceAll('-', '')}"}`, { id }],
    ['{"at":"2022-12-19T12:00:00.120+02:00"}', { at: '2022-12-19T10:00:00.12Z' }],
    ['{"count":-0}', { count: -0 }],
    ['{"count":9223372036854775807}', { count: Number.MAX_SAFE_INTEGER }],
    ['{"count":-9223372036854775808}', { count: Number.MIN_SAFE_INTEGER }],
    ['{"bytes":""}', { bytes: '' }],
    ['{"bytes":"aG\\nk="}', { bytes: 'aGk=' }],
    ['{"bytes":[104,105,null]}', { bytes: 'aGkA' }],
    ['{"nullable":5}', { nullable: 5 }],
    ['{"map":{"a":1,"A":2}}', { map: { a: 1, A: 2 } }],
    [`{"byId":{"${id.toUpperCase()}":"x"}}`, { byId: { [id]: 'x' } }],
    ['{"name":"\\ud800"}', { name: '\ufffd' }],
  ])('of %s', (text, fields) => expect(read(text)).toEqual({ ...zero, ...fields }))

  it('an empty state is present, a null one is absent', () => {
    const build = bodyReader(CreateWorkspaceBuildRequest)
    expect(build('{"transition":"start","state":""}')).toEqual({ transition: 'start', state: '' })
    expect(build('{"transition":"start","state":null}')).toEqual({ transition: 'start' })
  })
})

describe('what is refused', () => {
  it.each([
    ['', 'EOF'],
    ['{"name"', 'unexpected EOF'],
    ['7', 'json: cannot unmarshal number into value of type struct'],
    ['{"name":1}', 'json: cannot unmarshal number into field name of type string'],
    ['{"name":true}', 'json: cannot unmarshal bool into field name of type string'],
    ['{"nested":[]}', 'json: cannot unmarshal array into field nested of type struct'],
    ['{"nested":{"inner":{}}}', 'json: cannot unmarshal object into field nested.inner of type string'],
    ['{"count":"1"}', 'json: cannot unmarshal string into field count of type int64'],
    ['{"count":1.0}', 'json: cannot unmarshal number 1.0 into field count of type int64'],
    ['{"count":1e3}', 'json: cannot unmarshal number 1e3 into field count of type int64'],
    ['{"count":9223372036854775808}', 'json: cannot unmarshal number 9223372036854775808 into field count of type int64'],
    ['{"flag":0}', 'json: cannot unmarshal number into field flag of type bool'],
    ['{"list":{}}', 'json: cannot unmarshal object into field list of type slice'],
    ['{"list":["1"]}', 'json: cannot unmarshal string into field list of type int64'],
    ['{"map":[]}', 'json: cannot unmarshal array into field map of type map'],
    ['{"id":""}', 'invalid UUID length: 0'],
    ['{"id":7}', 'json: cannot unmarshal number into field id of type uuid.UUID'],
    ['{"byId":{"x":"y"}}', 'invalid UUID length: 1'],
    ['{"at":"2022-12-19"}', 'parsing time "2022-12-19" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
    ['{"bytes":"a"}', 'illegal base64 data in field bytes'],
    ['{"bytes":"aGk"}', 'illegal base64 data in field bytes'],
    ['{"bytes":[256]}', 'json: cannot unmarshal number into field bytes of type uint8'],
    ['{"name":"\\u0000"}', 'field name contains a NUL character'],
    ['{"map":{"\\u0000":1}}', 'field map contains a NUL character'],
  ])('%s', (text, detail) => {
    const failure = refusalOf(read, text)
    expect([failure.code, failure.detail, failure.validations]).toEqual(['invalid_json', detail, undefined])
  })

  it('a number of a million digits, quickly', () => {
    expect(refusalOf(read, `{"count":${'9'.repeat(1_000_000)}}`).detail?.length).toBeLessThan(200)
  })
})

describe('rules', () => {
  const ruled = bodyReader(
    Type.Object({
      email: Type.String({ rules: ['required', 'email'] }),
      name: Type.String({ rules: ['workspace_name', 'required'] }),
      id: Type.String({ format: 'uuid', rules: ['required'] }),
      at: Type.String({ format: 'date-time', rules: ['required'] }),
      word: Type.Union([Type.Literal('a'), Type.Literal('b')], { type: 'string', enum: ['a', 'b'], rules: ['oneof', 'required'] }),
      title: Type.Optional(Type.String({ rules: ['lt=128'] })),
      display: Type.Optional(Type.String({ rules: ['template_display_name'] })),
      short: Type.Optional(Type.String({ maxLength: 3 })),
      file: Type.Optional(Type.String({ format: 'uuid', requiredWithout: 'one' })),
      one: Type.Optional(Type.String({ requiredWithout: 'other' })),
      other: Type.Optional(Type.String()),
    }),
  )
  const good = { email: 'a@b.c', name: 'n', id, at: '2022-12-19T10:00:00Z', word: 'a', one: 'x' }
  const tagsOf = (fields: object): (string | undefined)[] =>
    (refusalOf(ruled, JSON.stringify({ ...good, ...fields })).validations ?? []).map(
      ({ field, detail }) => `${field}:${/tag "(.*?)"/.exec(detail)?.[1] ?? ''}`,
    )

  it('that all hold accept the body', () => {
    expect(ruled(JSON.stringify(good))).toEqual(good)
    expect(
      ruled(JSON.stringify({ ...good, one: '', other: 'y', title: '😀'.repeat(127), short: '😀'.repeat(3), file: id, display: '' })),
    ).toMatchObject({ other: 'y' })
  })

  it.each<[object, string[]]>([
    [{ email: '' }, ['email:required']],
    [{ email: 'x' }, ['email:email']],
    [{ name: '' }, ['name:workspace_name']],
    [{ id: NIL_UUID }, ['id:required']],
    [{ at: ZERO_TIME }, ['at:required']],
    [{ word: 'A' }, ['word:oneof']],
    [{ word: '' }, ['word:oneof']],
    [{ title: 'a'.repeat(128) }, ['title:lt']],
    [{ display: ' a' }, ['display:template_display_name']],
    [{ short: '😀'.repeat(4) }, ['short:max']],
    [{ one: '' }, ['file:required_without', 'one:required_without']],
    [{ word: 'c', email: '', name: '--' }, ['email:required', 'name:workspace_name', 'word:oneof']],
  ])('broken by %j', (fields, tags) => expect(tagsOf(fields)).toEqual(tags))

  it('say which value they refused', () => {
    const { validations } = refusalOf(ruled, '{"email":"<x>","word":"\\""}')
    expect(validations?.map(({ detail }) => detail)).toEqual([
      'Validation failed for tag "email" with value: "<x>"',
      'Validation failed for tag "workspace_name" with value: ""',
      `Validation failed for tag "required" with value: "${NIL_UUID}"`,
      'Validation failed for tag "required" with value: "0001-01-01 00:00:00 +0000 UTC"',
      'Validation failed for tag "oneof" with value: """',
      `Validation failed for tag "required_without" with value: "${NIL_UUID}"`,
      'Validation failed for tag "required_without" with value: ""',
    ])
  })
})

function readOrRefuse(text: string): void {
  try {
    read(text)
  } catch (error) {
    if (!Failure.is(error) || error.status !== 400) throw error
  }
}

describe('any text', () => {
  it('is read or refused with 400', () => {
    const almost = fc
      .dictionary(fc.constantFrom(...Object.keys(Body.properties), '__proto__', 'NAME'), fc.jsonValue())
      .map((body) => JSON.stringify(body))
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), almost), readOrRefuse), { numRuns: runs(500) })
  })

  it('that was read reads the same again', () => {
    const values = fc.record({
      name: fc.string({ unit: 'grapheme' }),
      id: fc.uuid(),
      count: fc.maxSafeInteger(),
      flag: fc.boolean(),
      list: fc.array(fc.integer()),
    })
    fc.assert(
      fc.property(values, (value) => {
        const once = read(JSON.stringify(value))
        expect(once).toMatchObject(value)
        expect(read(JSON.stringify(once))).toEqual(once)
      }),
    )
  })
})
