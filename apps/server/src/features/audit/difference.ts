import { isDeepStrictEqual } from 'node:util'
import type { AuditDiffField } from '@berth/schema'
import { NIL_UUID } from '@berth/schema/rules'

/** What a field of a row holds, by its kind. */
interface Values {
  readonly text: string
  readonly nullable_text: string | null
  readonly number: number
  readonly milliseconds: number | null
  readonly boolean: boolean
  readonly uuid: string | null
  readonly list: readonly string[]
  /** A list in whatever order. */
  readonly set: readonly string[]
  readonly map: unknown
  /** Nobody is to see it. */
  readonly secret: string | Uint8Array
}
type Kind = keyof Values

/** What counts in place of a value that does not exist. */
const ZEROS: Readonly<Record<Kind, unknown>> = {
  text: '',
  nullable_text: '',
  number: 0,
  milliseconds: 0,
  boolean: false,
  uuid: '',
  list: [],
  set: [],
  map: {},
  secret: '',
}

/** The fields that the log tells of, by the type of the row (Coder v2 API, v0.13.4; what it has no fields for was added). */
export const TRACKED = {
  user: {
    id: 'uuid',
    email: 'text',
    username: 'text',
    hashed_password: 'secret',
    status: 'text',
    rbac_roles: 'list',
    deleted: 'boolean',
    // Added: it changes where people sign in elsewhere.
    avatar_url: 'text',
  },
  template: {
    id: 'uuid',
    name: 'text',
    display_name: 'text',
    provisioner: 'text',
    active_version_id: 'uuid',
    description: 'text',
    icon: 'text',
    default_ttl_ms: 'milliseconds',
    created_by: 'uuid',
    group_acl: 'map',
    user_acl: 'map',
    allow_user_cancel_workspace_jobs: 'boolean',
  },
  template_version: { id: 'uuid', template_id: 'uuid', name: 'text', readme: 'text', created_by: 'uuid' },
  workspace: {
    id: 'uuid',
    owner_id: 'uuid',
    template_id: 'uuid',
    name: 'text',
    autostart_schedule: 'nullable_text',
    ttl_ms: 'milliseconds',
  },
  workspace_build: {},
  git_ssh_key: { user_id: 'uuid', public_key: 'text', sealed_private_key: 'secret' },
  // Added: the members.
  group: { id: 'uuid', name: 'text', avatar_url: 'text', quota_allowance: 'number', members: 'set' },
  organization: { id: 'uuid', name: 'text' },
  organization_member: { roles: 'list' },
  api_key: { id: 'text', user_id: 'uuid', login_type: 'text', scope: 'text', expires_at: 'text', lifetime_seconds: 'number' },
  /** Which parameter was given a value; the value itself is nobody's business. */
  parameter_value: { parameter: 'text' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Kind>>>>
type Tracked = typeof TRACKED
type ResourceType = Exclude<keyof Tracked, 'parameter_value'>

/** What the wire calls fields whose column has another name. */
const WIRE_NAMES: Readonly<Partial<Record<string, string>>> = {
  ttl_ms: 'ttl',
  default_ttl_ms: 'default_ttl',
  sealed_private_key: 'private_key',
}

/** A row as a store has it: with all that is tracked of its type, and whatever else. */
type TrackedRow<Type extends keyof Tracked> = {
  readonly [Field in keyof Tracked[Type]]: Tracked[Type][Field] extends Kind ? Values[Tracked[Type][Field]] : never
}

/** A row as it was and as it has become; undefined where there was none or is none any more. */
interface Rows<Type extends keyof Tracked> {
  readonly before?: TrackedRow<Type> | undefined
  readonly after?: TrackedRow<Type> | undefined
}

/** What became of a row. Values of parameters are rows of their own, and recorded as a change of what has them. */
export type RowChange =
  | { readonly [Type in ResourceType]: Rows<Type> & { readonly resource_type: Type; readonly row_type?: undefined } }[ResourceType]
  | (Rows<'parameter_value'> & { readonly resource_type: string; readonly row_type: 'parameter_value' })

/** Field → both values, as stored: under the name of the column and in its unit. */
export type Difference = Readonly<Record<string, AuditDiffField>>

/** The tracked fields whose values differ. Secrets are compared, but only their zero value is told. */
export function difference(change: RowChange): Difference {
  const fields = TRACKED[change.row_type === undefined ? change.resource_type : change.row_type]
  const [before, after]: readonly (Readonly<Record<string, unknown>> | undefined)[] = [change.before, change.after]
  return Object.fromEntries(
    Object.entries<Kind>(fields).flatMap(([field, kind]) => {
      const [old, now] = [valueOf(kind, before?.[field]), valueOf(kind, after?.[field])]
      if (isDeepStrictEqual(old, now)) return []
      return [[field, kind === 'secret' ? { old: ZEROS.secret, new: ZEROS.secret, secret: true } : { old, new: now, secret: false }]]
    }),
  )
}

/** A difference as the wire shows it: times in nanoseconds, and a text that is not there as "null". What is not tracked is shown as it is. */
export function presentDifference(resourceType: string, stored: Difference): Record<string, AuditDiffField> {
  const types: Readonly<Partial<Record<string, Readonly<Partial<Record<string, Kind>>>>>> = TRACKED
  return Object.fromEntries(
    Object.entries(stored).map(([field, { old, new: now, secret }]) => {
      const kind = types[resourceType]?.[field]
      return [WIRE_NAMES[field] ?? field, { old: shown(kind, old), new: shown(kind, now), secret }]
    }),
  )
}

function valueOf(kind: Kind, value: unknown): unknown {
  if (value === undefined || value === null || (kind === 'uuid' && value === NIL_UUID)) return ZEROS[kind]
  return kind === 'set' && Array.isArray(value) ? value.map(String).toSorted() : value
}

const NANOSECONDS = 1_000_000

function shown(kind: Kind | undefined, value: unknown): unknown {
  if (kind === 'milliseconds') return typeof value === 'number' ? value * NANOSECONDS : 0
  return kind === 'nullable_text' && value === '' ? 'null' : value
}
