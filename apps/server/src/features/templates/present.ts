import type { Template, TemplateACL, TemplateDAUsResponse } from '@berth/schema'
import { presentUser } from '../users/present.ts'
import type { TemplateUse, TemplateView } from './store.ts'
import type { TemplateAccess } from './template-access.ts'

const DAY_MS = 86_400_000
const NO_STATS = { P50: null, P95: null }
const NO_TIMES: Template['build_time_stats'] = { delete: NO_STATS, start: NO_STATS, stop: NO_STATS }

/**
 * Returns a template in wire form. `use` is undefined if nothing has been measured yet, which the
 * wire has values for.
 */
export function presentTemplate(row: TemplateView, use: TemplateUse | undefined): Template {
  const { deleted: _deleted, user_acl: _userAcl, group_acl: _groupAcl, created_by, ...template } = row
  return {
    ...template,
    created_by_id: created_by,
    active_user_count: use?.active_user_count ?? -1,
    build_time_stats: { ...NO_TIMES, ...use?.build_time_stats },
  }
}

/** Returns the users and groups that a template is shared with. */
export function presentAccessList({ users, groups }: Awaited<ReturnType<TemplateAccess['list']>>): TemplateACL {
  return {
    users: users.map(({ role, ...user }) => ({ ...presentUser(user), role })),
    group: groups.map(({ members, ...group }) => ({ ...group, members: members.map(presentUser) })),
  }
}

/**
 * Returns the number of active users by day. Includes days without active users between the first
 * and the last.
 */
export function presentDailyActiveUsers(use: TemplateUse | undefined): TemplateDAUsResponse {
  const amounts = new Map(use?.daily_active_users.map(({ date, amount }) => [Date.parse(date), amount]))
  const [first = 0, last = -1] = amounts.size === 0 ? [] : [Math.min(...amounts.keys()), Math.max(...amounts.keys())]
  const days = Array.from({ length: Math.floor((last - first) / DAY_MS) + 1 }, (_, index) => first + index * DAY_MS)
  return { entries: days.map((day) => ({ date: new Date(day).toISOString().replace('.000Z', 'Z'), amount: amounts.get(day) ?? 0 })) }
}
