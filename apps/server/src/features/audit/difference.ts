import { isDeepStrictEqual } from 'node:util'
import type { AuditDiffField } from '@berth/schema'
import { NIL_UUID } from '@berth/schema/rules'

/** The values of a row's field, by its kind. */
interface Values {
  readonly text: string
  readonly nullable_text: string | null
  readonly number: number
  readonly milliseconds: number | null
  readonly boolean: boolean
  readonly uuid: string | null
  readonly list: readonly string[]
  /** A list in any order. */
  readonly set: readonly string[]
  readonly map: unknown
  /** Never shown to anybody. */
  readonly secret: string | Uint8Array
}
type Kind = keyof Values

/** The value that stands for an absent one. */
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

/**
 * The fields that the log records for each type of row (Coder v2 API, v0.13.4, and additions of our
 * own).
 */
export const TRACKED = {
  user: {
    id: 'uuid',
    email: 'text',
    username: 'text',
    hashed_password: 'secret',
    status: 'text',
    rbac_roles: 'list',
    deleted: 'boolean',
    // Our addition: providers change it.
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
  // Our addition: a command that was run in a workspace, or a file that was changed.
  workspace_execution: {},
  git_ssh_key: { user_id: 'uuid', public_key: 'text', sealed_private_key: 'secret' },
  // Members are our addition.
  group: { id: 'uuid', name: 'text', avatar_url: 'text', quota_allowance: 'number', members: 'set' },
  organization: { id: 'uuid', name: 'text' },
  organization_member: { roles: 'list' },
  api_key: { id: 'text', user_id: 'uuid', login_type: 'text', scope: 'text', expires_at: 'text', lifetime_seconds: 'number' },
  /** The name of the parameter. Its value stays private. */
  parameter_value: { parameter: 'text' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Kind>>>>
type Tracked = typeof TRACKED
type ResourceType = Exclude<keyof Tracked, 'parameter_value'>

/** The wire's names of fields whose column has another name. */
const WIRE_NAMES: Readonly<Partial<Record<string, string>>> = {
  ttl_ms: 'ttl',
  default_ttl_ms: 'default_ttl',
  sealed_private_key: 'private_key',
}

/** A stored row with at least the tracked fields of its type. */
type TrackedRow<Type extends keyof Tracked> = {
  readonly [Field in keyof Tracked[Type]]: Tracked[Type][Field] extends Kind ? Values[Tracked[Type][Field]] : never
}

/** A row before and after a change; undefined when it didn't exist. */
interface Rows<Type extends keyof Tracked> {
  readonly before?: TrackedRow<Type> | undefined
  readonly after?: TrackedRow<Type> | undefined
}

/**
 * A change of a row. Parameter values are rows of their own, but are recorded as changes of their
 * owner.
 */
export type RowChange =
  | { readonly [Type in ResourceType]: Rows<Type> & { readonly resource_type: Type; readonly row_type?: undefined } }[ResourceType]
  | (Rows<'parameter_value'> & { readonly resource_type: string; readonly row_type: 'parameter_value' })

/** Both stored values of each field, by column name and in the column's unit. */
export type Difference = Readonly<Record<string, AuditDiffField>>

/**
 * Returns the tracked fields whose values differ. Secrets are compared, but only their zero value
 * is shown.
 */
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

/**
 * Returns a difference as the wire shows it: durations in nanoseconds, absent text as "null", and
 * untracked fields as stored.
 */
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

const NANOSECONDS_A_MS = 1_000_000

function shown(kind: Kind | undefined, value: unknown): unknown {
  if (kind === 'milliseconds') return typeof value === 'number' ? value * NANOSECONDS_A_MS : 0
  return kind === 'nullable_text' && value === '' ? 'null' : value
}
