import type { TemplateVersion } from '@berth/schema'
import { NIL_UUID, ZERO_TIME } from '@berth/schema/rules'
import { presentJob } from '../provisioner-jobs/present.ts'
import type { TemplateVersionView } from './store.ts'

/** Returns a template version in wire form, with a reduced creator (Coder v2 API, v0.13.4). */
export function presentTemplateVersion(view: TemplateVersionView, now: Date): TemplateVersion {
  const { id, template_id, organization_id, created_at, updated_at, name, readme, job, creator } = view
  return {
    id,
    template_id: template_id ?? NIL_UUID,
    organization_id,
    created_at,
    updated_at,
    name,
    job: presentJob(job, now),
    readme,
    created_by: {
      id: creator.id,
      username: creator.username,
      email: creator.email,
      created_at: creator.created_at,
      last_seen_at: ZERO_TIME,
      status: creator.status,
      organization_ids: null,
      roles: [],
      avatar_url: creator.avatar_url,
    },
  }
}
