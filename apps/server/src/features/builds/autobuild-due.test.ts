import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { autobuildDue, type AutobuildStanding } from './autobuild-due.ts'

const ZERO = '0001-01-01T00:00:00Z'
const HOUR_MS = 3_600_000

const standing = (fields: Partial<AutobuildStanding>): AutobuildStanding => ({
  autostart_schedule: null,
  ttl_ms: null,
  transition: 'stop',
  created_at: '2022-12-19T10:00:00Z',
  deadline: ZERO,
  ...fields,
})

const due = (fields: Partial<AutobuildStanding>): string | undefined => {
  const found = autobuildDue(standing(fields))
  return found === undefined ? undefined : `${found.transition} ${found.at.toISOString()}`
}

describe('a running workspace', () => {
  const deadline = '2022-12-19T18:00:00Z'
  test.each([
    ['with a TTL stops at its deadline', { ttl_ms: HOUR_MS, deadline }, 'stop 2022-12-19T18:00:00.000Z'],
    ['keeps its deadline with a schedule alone', { autostart_schedule: '30 9 * * *', deadline }, 'stop 2022-12-19T18:00:00.000Z'],
    ['with neither TTL nor schedule keeps running, whatever its deadline', { deadline }, undefined],
    ['without a deadline keeps running', { ttl_ms: HOUR_MS, autostart_schedule: '30 9 * * *' }, undefined],
  ] as const)('%s', (_, fields, expected) => expect(due({ transition: 'start', ...fields })).toBe(expected))
})

describe('a stopped workspace', () => {
  test.each([
    [
      'starts when its schedule fires after the stop was requested',
      { autostart_schedule: 'CRON_TZ=US/Central 30 9 * * 1-5' },
      'start 2022-12-19T15:30:00.000Z',
    ],
    ['never starts without a schedule', { ttl_ms: HOUR_MS, deadline: '2022-12-19T18:00:00Z' }, undefined],
    ['never starts with a schedule that never fires', { autostart_schedule: '30 9 * * ,' }, undefined],
    [
      'whose stop was requested at the scheduled minute starts a day later',
      { autostart_schedule: '0 10 * * *' },
      'start 2022-12-20T10:00:00.000Z',
    ],
    [
      'starts at the local time of its zone when summer time begins',
      { autostart_schedule: 'CRON_TZ=Europe/Dublin 30 9 * * *', created_at: '2022-03-26T09:31:00Z' },
      'start 2022-03-27T08:30:00.000Z',
    ],
    [
      'starts at the local time of its zone when summer time ends',
      { autostart_schedule: 'CRON_TZ=Europe/Dublin 30 9 * * *', created_at: '2022-10-29T08:31:00Z' },
      'start 2022-10-30T09:30:00.000Z',
    ],
    [
      'starts a day later if its time is skipped',
      { autostart_schedule: 'CRON_TZ=America/New_York 30 2 * * *', created_at: '2022-03-12T12:00:00Z' },
      'start 2022-03-14T06:30:00.000Z',
    ],
  ] as const)('%s', (_, fields, expected) => expect(due(fields)).toBe(expected))
})

test('a deleted workspace never starts', () =>
  expect(due({ transition: 'delete', ttl_ms: HOUR_MS, deadline: '2022-12-19T18:00:00Z', autostart_schedule: '* * * * *' })).toBe(undefined))

test('a start is after the stop, a stop is at the deadline, and no other field changes either of them', () => {
  const instant = fc
    .date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2040-01-01T00:00:00Z'), noInvalidDate: true })
    .map((date) => date.toISOString())
  fc.assert(
    fc.property(
      fc.record<AutobuildStanding>({
        autostart_schedule: fc.constantFrom('CRON_TZ=Europe/Berlin 15 7 * * 1-5', '*/20 * * * *'),
        ttl_ms: fc.option(fc.integer({ min: 60_000, max: 168 * HOUR_MS })),
        transition: fc.constantFrom('start', 'stop'),
        created_at: instant,
        deadline: instant,
      }),
      (given) => {
        const found = autobuildDue(given)
        if (given.transition === 'start') expect(found).toEqual({ transition: 'stop', at: new Date(given.deadline) })
        else {
          expect(found?.at.getTime()).toBeGreaterThan(Date.parse(given.created_at))
          expect(found).toEqual(autobuildDue({ ...given, ttl_ms: null, deadline: ZERO }))
        }
      },
    ),
  )
})
