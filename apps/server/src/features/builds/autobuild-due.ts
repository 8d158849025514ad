import type { Transition } from '@berth/schema'
import { ZERO_TIME, nextStart, parseSchedule } from '@berth/schema/rules'

/**
 * The fields of a workspace that decide its next automatic start or stop. Its latest job has
 * completed without an error.
 */
export interface AutobuildStanding {
  readonly autostart_schedule: string | null
  readonly ttl_ms: number | null
  /** From the latest build, like the two below. */
  readonly transition: Transition
  readonly created_at: string
  readonly deadline: string
}

/** The next automatic start or stop of a workspace. */
export interface AutobuildDue {
  readonly transition: 'start' | 'stop'
  readonly at: Date
}

/**
 * Returns when a workspace starts or stops automatically: a running one at its deadline, a stopped
 * one when its schedule first fires after the stop was requested, even if that is long past.
 * Returns undefined for never (Coder v2 API, v0.13.4).
 *
 * @throws ScheduleError if the schedule or its time zone is no longer valid.
 */
export function autobuildDue({
  autostart_schedule,
  ttl_ms,
  transition,
  created_at,
  deadline,
}: AutobuildStanding): AutobuildDue | undefined {
  const hasSchedule = autostart_schedule !== null && autostart_schedule !== ''
  if (transition === 'start') {
    // A workspace without a schedule and a TTL ignores the deadline of its build.
    const takesPart = hasSchedule || (ttl_ms ?? 0) > 0
    return takesPart && deadline !== ZERO_TIME ? { transition: 'stop', at: new Date(deadline) } : undefined
  }
  if (transition !== 'stop' || !hasSchedule) return undefined
  const at = nextStart(parseSchedule(autostart_schedule), new Date(created_at))
  return at === undefined ? undefined : { transition: 'start', at }
}
