import { type AuditAction, type EndpointSpec } from '@berth/schema'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from './service.ts'

/** What a write is recorded as when it fails, by the parameter of its path that names the resource. */
interface Audited {
  readonly resource_type: string
  /** Path parameter and name of the found row. */
  readonly parameter: string
  /** The column that people call it by. */
  readonly target: string
}

const AUDITED: readonly Audited[] = [
  { resource_type: 'workspace', parameter: 'workspace', target: 'name' },
  { resource_type: 'template', parameter: 'template', target: 'name' },
  { resource_type: 'group', parameter: 'group', target: 'name' },
  { resource_type: 'user', parameter: 'user', target: 'username' },
]

/** Writes below these resources that are not changes of the resource: nothing is recorded of them when they succeed either. */
const NOT_AUDITED = /\/(?:keys|builds|extend|gitsshkey)(?:\/|$)/

const ACTIONS: Partial<Record<EndpointSpec['method'], AuditAction>> = { PUT: 'write', PATCH: 'write', DELETE: 'delete' }

/**
 * Records that somebody tried to change something and was refused, whatever the reason: what the path names was known by then (Coder v2 API, v0.13.4).
 * A creation that fails leaves nothing, since there is nothing that it could be about.
 */
export function failedWriteRecorder(audit: AuditService) {
  return async (attempt: {
    readonly spec: EndpointSpec
    readonly found: Readonly<Record<string, unknown>>
    readonly actor: Actor
    readonly status: number
  }): Promise<void> => {
    const { spec, found, actor, status } = attempt
    const action = ACTIONS[spec.method]
    const audited = AUDITED.find(({ parameter }) => new RegExp(`^/\\w+/:${parameter}(?:/|$)`).test(spec.path))
    if (action === undefined || audited === undefined || NOT_AUDITED.test(spec.path)) return
    // Rows of the finders; each has an ID and the column that the table above names.
    const row = found[audited.parameter] as (Readonly<Record<string, unknown>> & { id: string; organization_id?: string }) | undefined
    if (row === undefined) return
    await audit.recordFailure(actor, {
      action,
      resource_type: audited.resource_type,
      resource_id: row.id,
      resource_target: String(row[audited.target]),
      ...(row.organization_id !== undefined && { organization_id: row.organization_id }),
      status_code: status,
    })
  }
}
