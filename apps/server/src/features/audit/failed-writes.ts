import { type AuditAction, type EndpointSpec } from '@berth/schema'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from './service.ts'

/** How a failed write is recorded, by the path parameter that names its resource. */
interface Audited {
  readonly resource_type: string
  /** The path parameter, which is also the name of the found row. */
  readonly parameter: string
  /** The column with the resource's name. */
  readonly target: string
}

const AUDITED: readonly Audited[] = [
  { resource_type: 'workspace', parameter: 'workspace', target: 'name' },
  { resource_type: 'template', parameter: 'template', target: 'name' },
  { resource_type: 'group', parameter: 'group', target: 'name' },
  { resource_type: 'user', parameter: 'user', target: 'username' },
]

/**
 * Writes below these resources that don't change the resource. They aren't recorded when they
 * succeed either.
 */
const NOT_AUDITED = /\/(?:keys|builds|extend|gitsshkey)(?:\/|$)/

const ACTIONS: Partial<Record<EndpointSpec['method'], AuditAction>> = { PUT: 'write', PATCH: 'write', DELETE: 'delete' }

/**
 * Returns a recorder of failed changes, whatever the reason: by then the path's resource is known
 * (Coder v2 API, v0.13.4). A failed creation isn't recorded, because it has no resource.
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
    // Finders return rows with an ID and with the column that the table above names.
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
