import type { Transition } from '@berth/schema'
import { ZERO_TIME, nextStart, parseSchedule } from '@berth/schema/rules'

/** What decides about the next start or stop of a workspace by itself. Its newest job has completed without an error. */
export interface AutobuildStanding {
  readonly autostart_schedule: string | null
  readonly ttl_ms: number | null
  /** Of the newest build, as are the two below. */
  readonly transition: Transition
  readonly created_at: string
  readonly deadline: string
}

/** What a workspace changes to by itself, and when. */
export interface AutobuildDue {
  readonly transition: 'start' | 'stop'
  readonly at: Date
}

/**
 * When a workspace starts or stops by itself: a running one at its deadline, a stopped one when its schedule fires first after it was told to stop, also if that is long past. Undefined: never
 * (Coder v2 API, v0.13.4).
 *
 * @throws ScheduleError where the schedule, or its time zone, is not known any more.
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
    // Without either of the two the workspace takes no part in this, whatever deadline it still shows.
    const takesPart = hasSchedule || (ttl_ms ?? 0) > 0
    return takesPart && deadline !== ZERO_TIME ? { transition: 'stop', at: new Date(deadline) } : undefined
  }
  if (transition !== 'stop' || !hasSchedule) return undefined
  const at = nextStart(parseSchedule(autostart_schedule), new Date(created_at))
  return at === undefined ? undefined : { transition: 'start', at }
}
