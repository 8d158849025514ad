import { isTimeZone, offsetAtMs } from './time-zones.ts'

/**
 * A text isn't a schedule. The message is the `detail` of the validation that clients see (Coder v2
 * API, v0.13.4).
 */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
}

/** A weekly schedule: times of day on some days of the week, in a time zone. */
export interface Schedule {
  /** The text it was read from. This text is stored and sent. */
  readonly text: string
  /** Name in the tz database. */
  readonly timeZone: string
  /** 0 to 59, ascending. */
  readonly minutes: readonly number[]
  /** 0 to 23, ascending. */
  readonly hours: readonly number[]
  /** 0 (Sunday) to 6, ascending. */
  readonly daysOfWeek: readonly number[]
}

interface FieldRule {
  readonly minimum: number
  readonly maximum: number
  readonly names?: readonly string[]
}

/** Names of the days of the week in a schedule, from Sunday. */
export const DAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const MINUTE: FieldRule = { minimum: 0, maximum: 59 }
const HOUR: FieldRule = { minimum: 0, maximum: 23 }
const DAY_OF_WEEK: FieldRule = { minimum: 0, maximum: 6, names: DAY_NAMES }

/** The longest schedule. One that lists every minute, hour and day has fewer than 300. */
const MAX_CHARACTERS = 1024

/** What comes before the time zone of a schedule. */
export const ZONE_PREFIX = 'CRON_TZ='

/**
 * Reads a weekly schedule (Coder v2 API, v0.13.4): an optional `CRON_TZ=<time zone> `, then minute,
 * hour, `*`, `*` and day of week, as in `CRON_TZ=Europe/Dublin 30 9 * * 1-5`. Without the prefix
 * the zone is UTC. A field is a comma-separated list of `*`, `?`, `N` and `N-M`, each with an
 * optional `/step`. Days of the week may be names.
 *
 * @throws ScheduleError whose message says what is wrong.
 */
export function parseSchedule(text: string): Schedule {
  checkShape(text)
  const { zone, rest } = splitZone(text)
  const fields = wordsOf(rest)
  const [minute = '', hour = '', , , dayOfWeek = ''] = fields
  if (minute.startsWith('@')) throw new ScheduleError(`parse schedule: parser does not accept descriptors: ${rest}`)
  if (fields.length !== 5) {
    throw new ScheduleError(`parse schedule: expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  }
  const schedule = {
    text,
    timeZone: zone,
    minutes: parseField(minute, MINUTE),
    hours: parseField(hour, HOUR),
    daysOfWeek: parseField(dayOfWeek, DAY_OF_WEEK),
  }
  if (zone === 'Local') throw new ScheduleError('schedules scoped to time.Local are not supported')
  return schedule
}

/** Splits a text at white space. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

function checkShape(text: string): void {
  if (text.length > MAX_CHARACTERS)
    throw new ScheduleError(`validate weekly schedule: expected at most ${MAX_CHARACTERS} characters, found ${text.length}`)
  const parts = wordsOf(text)
  if (parts.length < 5) {
    throw new ScheduleError('validate weekly schedule: expected schedule to consist of 5 fields with an optional CRON_TZ=<timezone> prefix')
  }
  const [, , dayOfMonth, month] = parts.length === 6 ? parts.slice(1) : parts
  if (dayOfMonth !== '*' || month !== '*') throw new ScheduleError('validate weekly schedule: expected month and dom to be *')
}

function splitZone(text: string): { zone: string; rest: string } {
  if (!text.startsWith(ZONE_PREFIX)) return { zone: 'UTC', rest: text }
  const end = text.indexOf(' ')
  if (end === -1) throw new ScheduleError('parse schedule: expected a space after CRON_TZ=<timezone>')
  const zone = text.slice(ZONE_PREFIX.length, end)
  const rest = text.slice(end).trim()
  if (zone === '') return { zone: 'UTC', rest }
  if (zone.includes('..') || zone.startsWith('/') || zone.startsWith('\\')) {
    throw new ScheduleError(`parse schedule: provided bad location ${zone}: time: invalid location name`)
  }
  if (zone !== 'Local' && !isTimeZone(zone)) {
    throw new ScheduleError(`parse schedule: provided bad location ${zone}: unknown time zone ${zone}`)
  }
  return { zone, rest }
}

function parseField(field: string, rule: FieldRule): number[] {
  const values = new Set<number>()
  for (const expression of field.split(',')) {
    if (expression === '') continue
    const { start, end, step } = parseRange(expression, rule)
    for (let value = start; value <= end; value += step) values.add(value)
  }
  return [...values].sort((a, b) => a - b)
}

function parseRange(expression: string, { minimum, maximum, names }: FieldRule): { start: number; end: number; step: number } {
  const fault = (what: string) => new ScheduleError(`parse schedule: ${what}: ${expression}`)
  const [range = '', stepText, ...moreSlashes] = expression.split('/')
  const [low = '', high, ...moreHyphens] = range.split('-')
  const isStar = low === '*' || low === '?'
  const start = isStar ? minimum : parseValue(low, expression, names)
  if (!isStar && moreHyphens.length > 0) throw fault('too many hyphens')
  let end = isStar ? maximum : high === undefined ? start : parseValue(high, expression, names)
  if (moreSlashes.length > 0) throw fault('too many slashes')
  const step = stepText === undefined ? 1 : parseValue(stepText, expression)
  if (stepText !== undefined && high === undefined) end = maximum
  if (start < minimum) throw fault(`beginning of range (${start}) below minimum (${minimum})`)
  if (end > maximum) throw fault(`end of range (${end}) above maximum (${maximum})`)
  if (start > end) throw fault(`beginning of range (${start}) beyond end of range (${end})`)
  if (step === 0) throw fault('step of range should be a positive number')
  return { start, end, step }
}

function parseValue(text: string, expression: string, names: readonly string[] = []): number {
  const named = names.indexOf(text.toLowerCase())
  if (named !== -1) return named
  if (!/^\+?\d+$/.test(text)) {
    throw new ScheduleError(
      `parse schedule: failed to parse int from ${expression}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  }
  const value = Number(text)
  if (!Number.isSafeInteger(value)) {
    throw new ScheduleError(
      `parse schedule: failed to parse int from ${expression}: strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`,
    )
  }
  return value
}

const MINUTE_MS = 60_000
const DAY_MINUTES = 24 * 60
const DAY_MS = DAY_MINUTES * MINUTE_MS

/**
 * Returns the first time a schedule fires after an instant, never at the instant itself. When
 * clocks go forward, skipped times don't fire that day. When they go back, repeated times fire
 * twice (Coder v2 API, v0.13.4).
 *
 * @returns undefined for a schedule that never fires because one of its fields is empty.
 */
export function nextStart(schedule: Schedule, after: Date): Date | undefined {
  if (schedule.minutes.length === 0 || schedule.hours.length === 0 || schedule.daysOfWeek.length === 0) return undefined
  const { timeZone } = schedule
  let at = after.getTime() + 1
  let offset = offsetAtMs(timeZone, at)
  // While the offset stays the same, the next match is plain arithmetic. So look ahead, at most a
  // day at a time, and start again at each change of the offset. Every week without a change has a
  // match, so this ends.
  for (;;) {
    const match = nextMatchMs(schedule, at + offset) - offset
    const ahead = Math.min(match, at + DAY_MS)
    const offsetAhead = offsetAtMs(timeZone, ahead)
    if (offsetAhead !== offset) {
      at = changeBetween(timeZone, at, ahead)
      offset = offsetAtMs(timeZone, at)
    } else if (ahead === match) {
      return new Date(match)
    } else {
      at = ahead
    }
  }
}

/**
 * Returns the first matching minute at or after a local time. Both are local times encoded as if
 * they were UTC.
 */
function nextMatchMs({ minutes, hours, daysOfWeek }: Schedule, localMs: number): number {
  const first = Math.ceil(localMs / MINUTE_MS)
  const firstDay = Math.floor(first / DAY_MINUTES)
  for (let day = firstDay; ; day++) {
    // 1 January 1970 was a Thursday. Earlier days are negative, and so is their remainder.
    if (!daysOfWeek.includes((((day + 4) % 7) + 7) % 7)) continue
    const earliest = first - day * DAY_MINUTES
    for (const hour of hours) {
      if (hour * 60 + 59 < earliest) continue
      const minute = minutes.find((candidate) => hour * 60 + candidate >= earliest)
      if (minute !== undefined) return (day * DAY_MINUTES + hour * 60 + minute) * MINUTE_MS
    }
  }
}

/**
 * Returns when a zone's offset changes between two instants with different offsets. Offsets change
 * at whole seconds.
 */
function changeBetween(timeZone: string, fromMs: number, toMs: number): number {
  const before = offsetAtMs(timeZone, fromMs)
  let same = Math.floor(fromMs / 1000)
  let changed = Math.ceil(toMs / 1000)
  while (changed - same > 1) {
    const middle = Math.floor((same + changed) / 2)
    if (offsetAtMs(timeZone, middle * 1000) === before) same = middle
    else changed = middle
  }
  return changed * 1000
}
