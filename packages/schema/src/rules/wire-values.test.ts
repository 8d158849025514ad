import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  NIL_UUID,
  WireValueError,
  ZERO_TIME,
  goTimeText,
  parseBool,
  parseInt32Text,
  parseInt64Text,
  parseTime,
  parseUuid,
} from './wire-values.ts'

const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e'

describe('parseUuid', () => {
  it.each([
    ['36 characters', uuid],
    ['upper case', uuid.toUpperCase()],
    ['32 hex digits', uuid.replaceAll('-', '')],
    ['32 upper-case hex digits', uuid.replaceAll('-', '').toUpperCase()],
    ['a urn', `urn:uuid:${uuid}`],
    ['an upper-case urn', `URN:UUID:${uuid.toUpperCase()}`],
    ['braces', `{${uuid}}`],
    ['any characters around it', `"${uuid.toUpperCase()}x`],
  ])('reads %s', (_, text) => {
    expect(parseUuid(text)).toBe(uuid)
  })

  it.each([
    ['', 'invalid UUID length: 0'],
    ['abc', 'invalid UUID length: 3'],
    ['bogus', 'invalid UUID length: 5'],
    [`${uuid}a`, 'invalid UUID length: 37'],
    ['é'.repeat(20), 'invalid UUID length: 40'],
    [uuid.replace('-', 'a'), 'invalid UUID format'],
    [uuid.replace('0f', 'xx'), 'invalid UUID format'],
    ['z'.repeat(32), 'invalid UUID format'],
    [`é${uuid}`, 'invalid UUID format'],
    [`urn:guid:${uuid}`, 'invalid urn prefix: "urn:guid:"'],
    [`urn:uuid:${uuid.replace('-', '+')}`, 'invalid UUID format'],
    [`{${uuid.slice(0, 35)}g}`, 'invalid UUID format'],
  ])('refuses %j', (text, message) => {
    expect(() => parseUuid(text)).toThrow(new WireValueError(message))
  })

  it('returns every UUID in lower case', () => {
    fc.assert(fc.property(fc.uuid(), (text) => parseUuid(text.toUpperCase()) === text && parseUuid(text.replaceAll('-', '')) === text))
  })

  it('reads its own answers and only throws its own error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ minLength: 30, maxLength: 46 })), (text) => {
        try {
          return parseUuid(parseUuid(text)) === parseUuid(text)
        } catch (error) {
          return error instanceof WireValueError
        }
      }),
    )
  })

  it('reads the nil UUID', () => {
    expect(parseUuid(`{${NIL_UUID}}`)).toBe(NIL_UUID)
  })
})

describe('parseTime', () => {
  it.each([
    ['2022-12-19T10:00:00Z', '2022-12-19T10:00:00Z'],
    ['2022-12-19T10:00:00.120Z', '2022-12-19T10:00:00.12Z'],
    ['2022-12-19T10:00:00.000Z', '2022-12-19T10:00:00Z'],
    ['2022-12-19T10:00:00.000001Z', '2022-12-19T10:00:00.000001Z'],
    ['2022-12-19T10:00:00.1000004Z', '2022-12-19T10:00:00.1Z'],
    ['2022-12-19T10:00:00.1234565Z', '2022-12-19T10:00:00.123457Z'],
    ['2022-12-19T10:00:00.123456499999999Z', '2022-12-19T10:00:00.123456Z'],
    ['2022-12-31T23:59:59.9999999Z', '2023-01-01T00:00:00Z'],
    ['2022-12-19T10:00:00+02:30', '2022-12-19T07:30:00Z'],
    ['2022-12-19T22:00:00.5-05:00', '2022-12-20T03:00:00.5Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z'],
    ['0001-01-01T00:00:00Z', ZERO_TIME],
    ['0001-01-01T01:00:00+01:00', ZERO_TIME],
    ['0099-06-01T00:00:10Z', '0099-06-01T00:00:10Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseTime(text)).toBe(canonical)
  })

  const layout = '2006-01-02T15:04:05Z07:00'
  it.each([
    ['', `parsing time "" as "${layout}": cannot parse "" as "2006"`],
    ['tomorrow', `parsing time "tomorrow" as "${layout}": cannot parse "tomorrow" as "2006"`],
    ['2022-12-19t10:00:00Z', `parsing time "2022-12-19t10:00:00Z" as "${layout}": cannot parse "t10:00:00Z" as "T"`],
    ['2022-12-19 10:00:00Z', `parsing time "2022-12-19 10:00:00Z" as "${layout}": cannot parse " 10:00:00Z" as "T"`],
    ['2022-12-19T10:00:00z', `parsing time "2022-12-19T10:00:00z" as "${layout}": cannot parse "z" as "Z07:00"`],
    ['2022-12-19T10:00:00', `parsing time "2022-12-19T10:00:00" as "${layout}": cannot parse "" as "Z07:00"`],
    ['2022-12-19T10:00:00,5Z', `parsing time "2022-12-19T10:00:00,5Z" as "${layout}": cannot parse ",5Z" as "Z07:00"`],
    ['2022-12-19T10:00:00.Z', `parsing time "2022-12-19T10:00:00.Z" as "${layout}": cannot parse ".Z" as "Z07:00"`],
    ['2022-12-19T1:00:00Z', `parsing time "2022-12-19T1:00:00Z" as "${layout}": cannot parse "1:00:00Z" as "15"`],
    ['2022-12-19T10:00:00Z ', 'parsing time "2022-12-19T10:00:00Z ": extra text: " "'],
    ['2022-13-01T00:00:00Z', 'parsing time "2022-13-01T00:00:00Z": month out of range'],
    ['2022-02-29T00:00:00Z', 'parsing time "2022-02-29T00:00:00Z": day out of range'],
    ['1900-02-29T00:00:00Z', 'parsing time "1900-02-29T00:00:00Z": day out of range'],
    ['2022-04-31T00:00:00Z', 'parsing time "2022-04-31T00:00:00Z": day out of range'],
    ['2022-04-30T24:00:00Z', 'parsing time "2022-04-30T24:00:00Z": hour out of range'],
    ['2022-04-30T23:60:00Z', 'parsing time "2022-04-30T23:60:00Z": minute out of range'],
    ['2022-04-30T23:59:60Z', 'parsing time "2022-04-30T23:59:60Z": second out of range'],
    ['2022-04-30T23:59:00+24:00', 'parsing time "2022-04-30T23:59:00+24:00": time zone offset hour out of range'],
    ['2022-04-30T23:59:00+01:60', 'parsing time "2022-04-30T23:59:00+01:60": time zone offset minute out of range'],
    ['0000-01-01T00:00:00+01:00', 'parsing time "0000-01-01T00:00:00+01:00": year outside of range [0,9999]'],
    ['9999-12-31T23:59:59.9999999Z', 'parsing time "9999-12-31T23:59:59.9999999Z": year outside of range [0,9999]'],
  ])('refuses %j', (text, message) => {
    expect(() => parseTime(text)).toThrow(new WireValueError(message))
  })

  it('agrees with Date on every millisecond and reads its own answers', () => {
    const dates = fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    fc.assert(
      fc.property(dates, (date) => {
        const canonical = parseTime(date.toISOString())
        return Date.parse(canonical) === date.getTime() && parseTime(canonical) === canonical && !/\.\d*0Z$/.test(canonical)
      }),
    )
  })
})

describe('zero time', () => {
  it('is formatted as in validation texts', () => {
    expect(goTimeText(ZERO_TIME)).toBe('0001-01-01 00:00:00 +0000 UTC')
    expect(goTimeText('2022-12-19T10:00:00.12Z')).toBe('2022-12-19 10:00:00.12 +0000 UTC')
  })
})

describe('parseBool', () => {
  it.each(['1', 't', 'T', 'true', 'TRUE', 'True'])('%s is true', (text) => expect(parseBool(text)).toBe(true))
  it.each(['0', 'f', 'F', 'false', 'FALSE', 'False'])('%s is false', (text) => expect(parseBool(text)).toBe(false))
  it.each(['', 'yes', 'tRUE', ' true', '2'])('%j is neither', (text) => {
    expect(() => parseBool(text)).toThrow(new WireValueError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`))
  })
})

describe('integers', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['+1', 1],
    ['-1', -1],
    ['007', 7],
    ['0'.repeat(40), 0],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9223372036854775807', Number.MAX_SAFE_INTEGER],
    ['-9223372036854775808', Number.MIN_SAFE_INTEGER],
  ])('%s is %d in 64 bits', (text, value) => expect(parseInt64Text(text)).toBe(value))

  it.each(['', '+', '-', '1.0', '1e3', ' 1', '1 ', '0x1', '1_000', '--1', '١'])('%j is not an integer', (text) => {
    expect(() => parseInt64Text(text)).toThrow(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  })

  it.each(['9223372036854775808', '-9223372036854775809', '9'.repeat(100_000)])('a number beyond 64 bits is refused', (text) => {
    expect(() => parseInt64Text(text)).toThrow(`strconv.ParseInt: parsing "${text}": value out of range`)
  })

  it('32-bit integers range from -2147483648 to 2147483647', () => {
    expect(parseInt32Text('2147483647')).toBe(2_147_483_647)
    expect(parseInt32Text('-2147483648')).toBe(-2_147_483_648)
    expect(() => parseInt32Text('2147483648')).toThrow('value out of range')
    expect(() => parseInt32Text('-2147483649')).toThrow('value out of range')
  })

  it('every safe integer is read exactly', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => Object.is(parseInt64Text(String(value)), value)))
  })
})
