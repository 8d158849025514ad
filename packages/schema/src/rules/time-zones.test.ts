import { describe, expect, it } from 'vitest'
import { isTimeZone, offsetAtMs } from './time-zones.ts'

const hour = 3_600_000

describe('isTimeZone', () => {
  it.each([
    'UTC',
    'Etc/UTC',
    'GMT',
    'EST',
    'EST5EDT',
    'US/Central',
    'Europe/Dublin',
    'Asia/Calcutta',
    'Asia/Kolkata',
    'Europe/Kiev',
    'Europe/Kyiv',
    'America/Argentina/Buenos_Aires',
    'Etc/GMT+5',
    'America/Port-au-Prince',
  ])('%s is a time zone', (name) => expect(isTimeZone(name)).toBe(true))

  it.each([
    '',
    'us/central',
    'US/CENTRAL',
    'utc',
    'europe/Dublin',
    'est',
    'PST',
    'IST',
    'Local',
    'Imaginary/Place',
    '+05:00',
    'Europe',
    'Europe/',
    'Europe/Dublin ',
    'constructor',
  ])('%j is not a time zone', (name) => expect(isTimeZone(name)).toBe(false))

  it('every zone the engine lists is a time zone', () => {
    expect(Intl.supportedValuesOf('timeZone').filter((name) => !isTimeZone(name))).toEqual([])
  })
})

it.each([
  ['UTC', '2022-12-19T10:00:00Z', 0],
  ['US/Central', '2022-12-19T10:00:00Z', -6 * hour],
  ['US/Central', '2022-06-19T10:00:00Z', -5 * hour],
  ['Europe/Dublin', '2022-06-19T10:00:00Z', hour],
  ['Asia/Kathmandu', '2022-06-19T10:00:00Z', 5.75 * hour],
  ['Africa/Monrovia', '1971-01-01T00:00:00Z', -(44 * 60 + 30) * 1000],
])('the offset of %s at %s', (zone, instant, offset) => {
  expect(offsetAtMs(zone, Date.parse(instant))).toBe(offset)
})

it('an unknown zone has no offset', () => {
  expect(() => offsetAtMs('Imaginary/Place', 0)).toThrow(new RangeError('unknown time zone "Imaginary/Place"'))
})
