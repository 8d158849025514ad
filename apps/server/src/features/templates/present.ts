import type { Template } from '@berth/schema'
import type { TemplateView } from './store.ts'

const NO_STATS = { P50: null, P95: null }

/** A template as the wire shows it. Activity and build times are not known yet, which the wire has values for. */
export function presentTemplate(row: TemplateView): Template {
  const { deleted: _deleted, user_acl: _userAcl, group_acl: _groupAcl, created_by, ...template } = row
  return {
    ...template,
    created_by_id: created_by,
    active_user_count: -1,
    build_time_stats: { delete: NO_STATS, start: NO_STATS, stop: NO_STATS },
  }
}
