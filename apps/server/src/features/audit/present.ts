import type { AuditAction, AuditLog } from '@berth/schema'
import { NIL_UUID, ZERO_TIME } from '@berth/schema/rules'
import { presentUser } from '../users/present.ts'
import { presentDifference } from './difference.ts'
import type { AuditView } from './store.ts'

const VERBS: Readonly<Record<AuditAction, string>> = {
  create: 'created',
  write: 'updated',
  delete: 'deleted',
  start: 'started',
  stop: 'stopped',
}
const UNKNOWN = 'unknown'

/** Returns an entry as the wire shows it (Coder v2 API, v0.13.4). */
export function presentAuditLog(view: AuditView): AuditLog {
  const { user, user_id: _, additional_fields, organization_id, diff, ...rest } = view
  const fields = fieldsOf(additional_fields)
  return {
    ...rest,
    organization_id: organization_id ?? NIL_UUID,
    diff: presentDifference(view.resource_type, diff),
    additional_fields: fields,
    description: describe(view, fields),
    resource_link: view.is_deleted ? '' : linkOf(view, fields),
    user: user === null ? null : presentUser({ ...user, organization_ids: [], last_seen_at: ZERO_TIME }),
  }
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(stored: unknown): Fields {
  if (typeof stored === 'object' && stored !== null && !Array.isArray(stored)) return { ...stored }
  return { workspaceName: UNKNOWN, buildNumber: UNKNOWN, workspaceOwner: UNKNOWN }
}

/** Finds a field in any case. */
function fieldOf(fields: Fields, name: string): string {
  const [, value] = Object.entries(fields).find(([key]) => key.toLowerCase() === name.toLowerCase()) ?? []
  return typeof value === 'string' && value !== UNKNOWN ? value : ''
}

function describe({ action, resource_type }: AuditView, fields: Fields): string {
  if (resource_type === 'git_ssh_key') return `{user} ${VERBS[action]} the git ssh key`
  if (resource_type !== 'workspace_build') return `{user} ${VERBS[action]} ${resource_type.replaceAll('_', ' ')} {target}`
  if (action === 'delete') return '{user} deleted workspace {target}'
  const number = fieldOf(fields, 'buildNumber')
  return `{user} ${VERBS[action]} build ${number === '' ? '' : `#${number} `}for workspace {target}`
}

function linkOf({ resource_type, resource_target, user }: AuditView, fields: Fields): string {
  const actor = user?.username ?? ''
  switch (resource_type) {
    case 'template':
      return `/templates/${resource_target}`
    case 'user':
      return `/users?filter=${resource_target}`
    case 'workspace': {
      const owner = fieldOf(fields, 'workspaceOwner') || actor
      return owner === '' ? '' : `/@${owner}/${resource_target}`
    }
    case 'workspace_build': {
      const [name, number] = [fieldOf(fields, 'workspaceName'), fieldOf(fields, 'buildNumber')]
      return name === '' || number === '' || actor === '' ? '' : `/@${actor}/${name}/builds/${number}`
    }
    default:
      return ''
  }
}
