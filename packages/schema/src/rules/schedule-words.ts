/**
 * Schedules in the words of people.
 * @module
 */
import { DAY_NAMES, ScheduleError, ZONE_PREFIX, parseSchedule, wordsOf, type Schedule } from './schedule.ts'
import { isTimeZone } from './time-zones.ts'

const SHORT_DAY_NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/**
 * Describes a schedule in English: `9:30AM Mon-Fri (Europe/Dublin)`, `every 5 minutes in hours
 * 12-18 daily (UTC)`, `manual` for null, and `never` for a schedule that doesn't fire.
 */
export function describeSchedule(schedule: Schedule | null): string {
  if (schedule === null) return 'manual'
  const { minutes, hours, daysOfWeek, timeZone } = schedule
  if (minutes.length === 0 || hours.length === 0 || daysOfWeek.length === 0) return 'never'
  // The week starts on Monday here, so that a weekend is one range.
  const days = daysOfWeek.map((day) => (day + 6) % 7).sort((a, b) => a - b)
  const daysText = days.length === 7 ? 'daily' : rangesText(days, (day) => SHORT_DAY_NAMES[(day + 1) % 7] ?? '')
  return `${timesText(minutes, hours)} ${daysText} (${timeZone})`
}

function timesText(minutes: readonly number[], hours: readonly number[]): string {
  if (minutes.length * hours.length <= 4) {
    return hours.flatMap((hour) => minutes.map((minute) => clockText(hour, minute))).join(', ')
  }
  const [first = 0, second = 60] = minutes
  const step = second - first
  const isEven = first === 0 && 60 % step === 0 && minutes.length === 60 / step && minutes.every((minute, index) => minute === index * step)
  const minutesText = isEven ? everyText(step) : `every hour at minute ${rangesText(minutes, String)}`
  return hours.length === 24 ? minutesText : `${minutesText} in hours ${rangesText(hours, String)}`
}

function everyText(stepMinutes: number): string {
  if (stepMinutes === 60) return 'every hour'
  return stepMinutes === 1 ? 'every minute' : `every ${stepMinutes} minutes`
}

function clockText(hour: number, minute: number): string {
  return `${hour % 12 === 0 ? 12 : hour % 12}:${String(minute).padStart(2, '0')}${hour < 12 ? 'AM' : 'PM'}`
}

/** Lists ascending numbers by their labels. Three or more consecutive numbers become a range. */
function rangesText(values: readonly number[], label: (value: number) => string): string {
  const texts: string[] = []
  for (let at = 0; at < values.length;) {
    const start = values[at] ?? 0
    let length = 1
    while (values[at + length] === start + length) length++
    if (length < 3) length = 1
    texts.push(length === 1 ? label(start) : `${label(start)}-${label(start + length - 1)}`)
    at += length
  }
  return texts.join(', ')
}

const TIME_WORD = /^(\d{1,2})(?::(\d{2}))?\s*([ap]m)?$/i

/**
 * Returns the schedule for the words someone typed: a time (`9:30AM`, `21:30`, `9am`), then
 * optionally days (`Mon-Fri`, `1,3,5`) and a time zone (`Europe/Dublin`).
 *
 * @param defaultTimeZone the zone if none is typed.
 * @throws ScheduleError that names the word it can't read.
 */
export function scheduleFromWords(words: readonly string[], defaultTimeZone: string): Schedule {
  const [first = '', ...others] = words.flatMap(wordsOf)
  const half = others[0] !== undefined && /^[ap]m$/i.test(others[0]) ? others.shift() : ''
  const { hour, minute } = timeFromWord(`${first}${half}`)
  const zone = others.length > 1 || isZoneWord(others[0]) ? others.pop() : defaultTimeZone
  const [days = '*', ...extra] = others
  if (extra.length > 0) {
    throw new ScheduleError(
      `expected a time, days and a time zone, as in "9:30AM Mon-Fri Europe/Dublin"; remove ${JSON.stringify(extra.join(' '))}`,
    )
  }
  return parseSchedule(`${ZONE_PREFIX}${zone} ${minute} ${hour} * * ${daysField(days)}`)
}

function isZoneWord(word: string | undefined): boolean {
  return word !== undefined && (word.includes('/') ? !word.startsWith('*') : isTimeZone(word))
}

function timeFromWord(word: string): { hour: number; minute: number } {
  const [, hourText, minuteText = '0', half = ''] = TIME_WORD.exec(word) ?? []
  const isHalf = half !== ''
  const hour = Number(hourText ?? NaN)
  const minute = Number(minuteText)
  if (!(hour <= (isHalf ? 12 : 23)) || (isHalf && hour === 0) || minute > 59) {
    throw new ScheduleError(`${JSON.stringify(word)} isn't a time of day; write it like 9:30AM or 21:30`)
  }
  if (!isHalf) return { hour, minute }
  return { hour: (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0), minute }
}

/**
 * Converts typed days to the grammar, whose week ends on Saturday: `Sat-Mon` becomes two ranges.
 */
function daysField(words: string): string {
  return words.replaceAll(/([a-z]{3})-([a-z]{3})/gi, (range: string, from: string, to: string) => {
    const isWrapped = DAY_NAMES.indexOf(from.toLowerCase()) > DAY_NAMES.indexOf(to.toLowerCase())
    return isWrapped && DAY_NAMES.includes(to.toLowerCase()) ? `${from}-sat,sun-${to}` : range
  })
}
