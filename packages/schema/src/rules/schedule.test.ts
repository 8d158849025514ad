import { verifies } from '@berth/requirements'
import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ScheduleError, nextStart, parseSchedule } from './schedule.ts'

const next = (text: string, after: string) => nextStart(parseSchedule(text), new Date(after))?.toISOString()

describe('parseSchedule', () => {
  it('keeps the text and reads the fields', () => {
    verifies('workspaces:autostart:grammar')
    expect(parseSchedule('CRON_TZ=US/Central */20 9-11,13 * * mon-WED,5')).toEqual({
      text: 'CRON_TZ=US/Central */20 9-11,13 * * mon-WED,5',
      timeZone: 'US/Central',
      minutes: [0, 20, 40],
      hours: [9, 10, 11, 13],
      daysOfWeek: [1, 2, 3, 5],
    })
  })

  it('refuses a text that nobody needs, before it is read', () => {
    expect(() => parseSchedule(`${'1,'.repeat(500)}1 9 * * 1${' '.repeat(14)}`)).not.toThrow()
    expect(() => parseSchedule(`${'1,'.repeat(500_000)}1 9 * * 1`)).toThrow(
      new ScheduleError('validate weekly schedule: expected at most 1024 characters, found 1000009'),
    )
  })

  it.each([
    ['CRON_TZ= 30 9 * * 1', 'UTC'],
    ['30 9 * * 1', 'UTC'],
    ['CRON_TZ=EST   30\t9 * * 1 ', 'EST'],
    ['  30 9 * * 1', 'UTC'],
  ])('the zone of %j is %s', (text, zone) => expect(parseSchedule(text).timeZone).toBe(zone))

  it.each([
    ['*/5', [0, 5]],
    ['1-5/2', [1, 3, 5]],
    ['3/2', [3, 5]],
    ['?', [0, 1, 2, 3, 4, 5, 6]],
    [',1,,2,', [1, 2]],
    ['2,1,1-3', [1, 2, 3]],
    ['SUN,sat', [0, 6]],
    ['+1', [1]],
    ['003', [3]],
    ['*-9', [0, 1, 2, 3, 4, 5, 6]],
    [',', []],
  ])('day of week %j', (field, days) => {
    expect(parseSchedule(`0 0 * * ${field}`).daysOfWeek).toEqual(days)
  })

  const shape = 'validate weekly schedule: expected schedule to consist of 5 fields with an optional CRON_TZ=<timezone> prefix'
  const stars = 'validate weekly schedule: expected month and dom to be *'
  it.each([
    ['', shape],
    ['asdf asdf asdf ', shape],
    ['30 9 1-5', shape],
    ['CRON_TZ=US/Central 30 9 1-5', shape],
    ['30 9 1 1 1-5', stars],
    ['CRON_TZ=US/Central 30 9 1 1 1-5', stars],
    ['30 9 ? * 1', stars],
    ['30 9 * ? 1', stars],
    ['30 9 * * 1 extra', stars],
    ['CRON_TZ=UTC 30 9 * *', stars],
    ['CRON_TZ=Imaginary/Place 30 9 * * 1-5', 'parse schedule: provided bad location Imaginary/Place: unknown time zone Imaginary/Place'],
    ['CRON_TZ=us/central 30 9 * * 1-5', 'parse schedule: provided bad location us/central: unknown time zone us/central'],
    ['CRON_TZ=../etc 30 9 * * 1', 'parse schedule: provided bad location ../etc: time: invalid location name'],
    ['CRON_TZ=/etc 30 9 * * 1', 'parse schedule: provided bad location /etc: time: invalid location name'],
    ['CRON_TZ=\\etc 30 9 * * 1', 'parse schedule: provided bad location \\etc: time: invalid location name'],
    ['CRON_TZ=Local 30 9 * * 1-5', 'schedules scoped to time.Local are not supported'],
    ['CRON_TZ=Local 60 9 * * 1-5', 'parse schedule: end of range (60) above maximum (59): 60'],
    ['CRON_TZ=UTC\t30\t9\t*\t*\t1', 'parse schedule: expected a space after CRON_TZ=<timezone>'],
    ['CRON_TZ=UTC * * * *', 'parse schedule: expected exactly 5 fields, found 4: [* * * *]'],
    ['x 30 9 * * 1', 'parse schedule: expected exactly 5 fields, found 6: [x 30 9 * * 1]'],
    ['TZ=US/Central 30 9 * * 1-5', 'parse schedule: expected exactly 5 fields, found 6: [TZ=US/Central 30 9 * * 1-5]'],
    [' CRON_TZ=UTC 30 9 * * 1', 'parse schedule: expected exactly 5 fields, found 6: [CRON_TZ=UTC 30 9 * * 1]'],
    ['@daily 9 * * 1', 'parse schedule: parser does not accept descriptors: @daily 9 * * 1'],
    ['30 9 * * 7', 'parse schedule: end of range (7) above maximum (6): 7'],
    ['60 9 * * *', 'parse schedule: end of range (60) above maximum (59): 60'],
    ['30 24 * * *', 'parse schedule: end of range (24) above maximum (23): 24'],
    ['30 9 * * 5-1', 'parse schedule: beginning of range (5) beyond end of range (1): 5-1'],
    ['30 9 * * 1/0', 'parse schedule: step of range should be a positive number: 1/0'],
    ['30 9 * * 1-2-3', 'parse schedule: too many hyphens: 1-2-3'],
    ['30 9 * * 1/2/3', 'parse schedule: too many slashes: 1/2/3'],
    ['30 9 * * monday', 'parse schedule: failed to parse int from monday: strconv.Atoi: parsing "monday": invalid syntax'],
    ['mon 9 * * 1', 'parse schedule: failed to parse int from mon: strconv.Atoi: parsing "mon": invalid syntax'],
    ['-5 9 * * 1', 'parse schedule: failed to parse int from -5: strconv.Atoi: parsing "": invalid syntax'],
    [
      '99999999999999999999 9 * * 1',
      'parse schedule: failed to parse int from 99999999999999999999: strconv.Atoi: parsing "99999999999999999999": value out of range',
    ],
  ])('%j is refused', (text, message) => expect(() => parseSchedule(text)).toThrow(new ScheduleError(message)))
})

/**
 * Walks the clocks of a zone minute by minute: a literal form of the rule, too slow for production.
 */
function slowNext(text: string, after: Date): Date {
  const { timeZone, minutes, hours, daysOfWeek } = parseSchedule(text)
  const clock = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', weekday: 'short', hour: 'numeric', minute: 'numeric' })
  const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
  for (let at = Math.floor(after.getTime() / 60_000) * 60_000 + 60_000; ; at += 60_000) {
    const parts = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]))
    const isDue =
      minutes.includes(Number(parts.get('minute'))) &&
      hours.includes(Number(parts.get('hour'))) &&
      daysOfWeek.includes(days.indexOf(parts.get('weekday') ?? ''))
    if (isDue) return new Date(at)
  }
}

const list = (maximum: number, maxLength: number) =>
  fc.uniqueArray(fc.nat(maximum), { minLength: 1, maxLength }).map((values) => values.join(','))

describe('nextStart', () => {
  it.each([
    ['CRON_TZ=US/Central 30 9 * * 1-5', '2022-12-19T15:30:00.000Z'],
    ['30 9 * * 1-5', '2022-12-20T09:30:00.000Z'],
    ['30 9 * * mon-fri', '2022-12-20T09:30:00.000Z'],
    ['30 9 * * 0-6', '2022-12-20T09:30:00.000Z'],
    ['30 9 * * ?', '2022-12-20T09:30:00.000Z'],
    ['30 9 * * MON,WED', '2022-12-21T09:30:00.000Z'],
    ['*/5 12-18 * * 1,3,6', '2022-12-19T12:00:00.000Z'],
    ['5/10 * * * *', '2022-12-19T10:05:00.000Z'],
    ['? ? * * *', '2022-12-19T10:01:00.000Z'],
    ['30 9 * * ,', undefined],
    [', 9 * * 1', undefined],
    ['30 , * * 1', undefined],
    ['0 10 * * 1', '2022-12-26T10:00:00.000Z'],
  ])('of %s after Monday 10:00 is %s', (text, expected) => expect(next(text, '2022-12-19T10:00:00Z')).toBe(expected))

  it.each([
    ['just before the minute', '30 9 * * *', '2022-12-19T09:29:59.999Z', '2022-12-19T09:30:00.000Z'],
    ['at the minute', '30 9 * * *', '2022-12-19T09:30:00.000Z', '2022-12-20T09:30:00.000Z'],
    ['within the minute', '* * * * *', '2022-12-19T09:30:10.001Z', '2022-12-19T09:31:00.000Z'],
    ['before 1970', '0 0 * * sun', '1969-12-01T00:00:00Z', '1969-12-07T00:00:00.000Z'],
    ['Dublin, Friday to Monday', 'CRON_TZ=Europe/Dublin 30 9 * * 1-5', '2022-05-06T08:31:00Z', '2022-05-09T08:30:00.000Z'],
    ['Dublin, Monday to Tuesday', 'CRON_TZ=Europe/Dublin 30 9 * * 1-5', '2022-05-09T08:31:00Z', '2022-05-10T08:30:00.000Z'],
    ['Dublin, into summer time', 'CRON_TZ=Europe/Dublin 30 9 * * *', '2022-03-26T09:31:00Z', '2022-03-27T08:30:00.000Z'],
    ['Dublin, out of summer time', 'CRON_TZ=Europe/Dublin 30 9 * * *', '2022-10-29T08:31:00Z', '2022-10-30T09:30:00.000Z'],
    ['a time that is skipped', 'CRON_TZ=America/New_York 30 2 * * *', '2022-03-12T12:00:00Z', '2022-03-14T06:30:00.000Z'],
    ['a time that comes twice, first', 'CRON_TZ=America/New_York 30 1 * * *', '2022-11-05T12:00:00Z', '2022-11-06T05:30:00.000Z'],
    ['a time that comes twice, again', 'CRON_TZ=America/New_York 30 1 * * *', '2022-11-06T05:30:00Z', '2022-11-06T06:30:00.000Z'],
    ['hourly, before a jump', 'CRON_TZ=America/New_York 0 * * * *', '2022-03-13T05:30:00Z', '2022-03-13T06:00:00.000Z'],
    ['hourly, over a jump', 'CRON_TZ=America/New_York 0 * * * *', '2022-03-13T06:00:00Z', '2022-03-13T07:00:00.000Z'],
    ['a skipped midnight', 'CRON_TZ=America/Sao_Paulo 0 0 * * *', '2018-11-03T12:00:00Z', '2018-11-05T02:00:00.000Z'],
    ['half an hour of summer time', 'CRON_TZ=Australia/Lord_Howe 15 2 * * *', '2022-10-01T12:00:00Z', '2022-10-02T15:15:00.000Z'],
    ['a day that was left out', 'CRON_TZ=Pacific/Apia 0 12 * * fri', '2011-12-28T12:00:00Z', '2012-01-05T22:00:00.000Z'],
  ])('%s', (_, text, after, expected) => expect(next(text, after)).toBe(expected))

  // On these nights clocks change forward or back, by an hour or half an hour, and once by a day.
  const changes = fc.constantFrom(
    ['America/New_York', '2022-03-13T07:00Z'],
    ['America/New_York', '2022-11-06T06:00Z'],
    ['Europe/Dublin', '2024-03-31T01:00Z'],
    ['Europe/Dublin', '2024-10-27T01:00Z'],
    ['America/Sao_Paulo', '2018-11-04T03:00Z'],
    ['America/Sao_Paulo', '2019-02-17T02:00Z'],
    ['Australia/Lord_Howe', '2023-04-01T15:00Z'],
    ['Australia/Lord_Howe', '2023-09-30T15:30Z'],
    ['Africa/Casablanca', '2023-03-19T02:00Z'],
    ['Asia/Kathmandu', '2023-06-01T00:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00Z'],
    ['UTC', '2023-01-01T00:00Z'],
  )

  it('agrees with a walk by the minute around changes of the clock', () => {
    verifies('workspaces:autostart:next-occurrence', 'workspaces:autostart:across-dst')
    fc.assert(
      fc.property(
        changes,
        fc.integer({ min: -2 * 86_400, max: 6 * 3600 }),
        fc.record({ minute: list(59, 3), hour: fc.oneof(list(3, 3), list(23, 8)), day: fc.oneof(fc.constant('*'), list(6, 7)) }),
        ([zone, change = ''], seconds, { minute, hour, day }) => {
          const text = `CRON_TZ=${zone} ${minute} ${hour} * * ${day}`
          const after = new Date(Date.parse(change) + seconds * 1000)
          expect(nextStart(parseSchedule(text), after)).toEqual(slowNext(text, after))
        },
      ),
      { numRuns: runs(150) },
    )
  })

  it('is after the instant, on a whole minute, within nine days, and the same from any instant in between', () => {
    const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'))
    const dates = fc.date({ min: new Date('1980-01-01T00:00:00Z'), max: new Date('2040-01-01T00:00:00Z'), noInvalidDate: true })
    fc.assert(
      fc.property(zones, dates, list(59, 2), list(23, 2), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (...given) => {
        const [zone, after, minute, hour, part] = given
        const schedule = parseSchedule(`CRON_TZ=${zone} ${minute} ${hour} * * *`)
        const start = nextStart(schedule, after)?.getTime() ?? 0
        expect(start).toBeGreaterThan(after.getTime())
        expect(start % 60_000).toBe(0)
        expect(start - after.getTime()).toBeLessThan(9 * 86_400_000)
        const between = new Date(after.getTime() + Math.floor((start - after.getTime()) * part))
        expect(nextStart(schedule, between)?.getTime()).toBe(start)
      }),
      { numRuns: runs(300) },
    )
  })
})
