import { describe, expect, it } from 'vitest'
import { ScheduleError, parseSchedule } from './schedule.ts'
import { describeSchedule, scheduleFromWords } from './schedule-words.ts'

describe('describeSchedule', () => {
  it.each([
    ['CRON_TZ=Europe/Dublin 30 9 * * 1-5', '9:30AM Mon-Fri (Europe/Dublin)'],
    ['0 0 * * *', '12:00AM daily (UTC)'],
    ['5 12 * * 0,6', '12:05PM Sat, Sun (UTC)'],
    ['0 9,17 * * 5-6,0', '9:00AM, 5:00PM Fri-Sun (UTC)'],
    ['*/5 12-18 * * 1,3,6', 'every 5 minutes in hours 12-18 Mon, Wed, Sat (UTC)'],
    ['* * * * *', 'every minute daily (UTC)'],
    ['0 * * * *', 'every hour daily (UTC)'],
    ['30 9-17 * * 1-5', 'every hour at minute 30 in hours 9-17 Mon-Fri (UTC)'],
    ['0,7,8,9 * * * 1', 'every hour at minute 0, 7-9 Mon (UTC)'],
    ['30 9 * * ,', 'never'],
  ])('%s is %j', (text, english) => expect(describeSchedule(parseSchedule(text))).toBe(english))

  it('null is manual', () => expect(describeSchedule(null)).toBe('manual'))
})

describe('scheduleFromWords', () => {
  it.each([
    [['9:30AM', 'Mon-Fri', 'Europe/Dublin'], 'CRON_TZ=Europe/Dublin 30 9 * * Mon-Fri'],
    [['9:30AM Mon-Fri Europe/Dublin'], 'CRON_TZ=Europe/Dublin 30 9 * * Mon-Fri'],
    [['9:30AM', 'Mon-Fri'], 'CRON_TZ=America/New_York 30 9 * * Mon-Fri'],
    [['9:30AM', 'US/Central'], 'CRON_TZ=US/Central 30 9 * * *'],
    [['9:30', 'UTC'], 'CRON_TZ=UTC 30 9 * * *'],
    [['9:30'], 'CRON_TZ=America/New_York 30 9 * * *'],
    [['9am'], 'CRON_TZ=America/New_York 0 9 * * *'],
    [['12AM'], 'CRON_TZ=America/New_York 0 0 * * *'],
    [['12:15pm'], 'CRON_TZ=America/New_York 15 12 * * *'],
    [['9:30', 'pm', '1,3,5'], 'CRON_TZ=America/New_York 30 21 * * 1,3,5'],
    [['21:05', '*/2'], 'CRON_TZ=America/New_York 5 21 * * */2'],
    [['0:00', 'sat-mon'], 'CRON_TZ=America/New_York 0 0 * * sat-sat,sun-mon'],
    [['0:00', 'Fri-Sun'], 'CRON_TZ=America/New_York 0 0 * * Fri-sat,sun-Sun'],
  ])('%j is %s', (words, text) => expect(scheduleFromWords(words, 'America/New_York').text).toBe(text))

  it.each([
    [[], '"" isn\'t a time of day; write it like 9:30AM or 21:30'],
    [['tomorrow'], '"tomorrow" isn\'t a time of day; write it like 9:30AM or 21:30'],
    [['24:00'], '"24:00" isn\'t a time of day; write it like 9:30AM or 21:30'],
    [['13PM'], '"13PM" isn\'t a time of day; write it like 9:30AM or 21:30'],
    [['0AM'], '"0AM" isn\'t a time of day; write it like 9:30AM or 21:30'],
    [['9:60'], '"9:60" isn\'t a time of day; write it like 9:30AM or 21:30'],
    [['9:30', 'weekends'], 'parse schedule: failed to parse int from weekends: strconv.Atoi: parsing "weekends": invalid syntax'],
    [['9:30', 'Mars/Base'], 'parse schedule: provided bad location Mars/Base: unknown time zone Mars/Base'],
    [['9:30', 'Mon', 'dublin'], 'parse schedule: provided bad location dublin: unknown time zone dublin'],
    [['9:30', 'Mon', 'Tue', 'UTC'], 'expected a time, days and a time zone, as in "9:30AM Mon-Fri Europe/Dublin"; remove "Tue"'],
  ])('%j is refused', (words, message) => expect(() => scheduleFromWords(words, 'UTC')).toThrow(new ScheduleError(message)))
})
