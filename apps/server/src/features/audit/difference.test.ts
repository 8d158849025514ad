import { verifies } from '@berth/requirements'
import { NIL_UUID } from '@berth/schema/rules'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TRACKED, difference, presentDifference, type RowChange } from './difference.ts'

const ID = '1df7bf9b-8b6b-4b3b-9d5e-0a8f4c1d2e3f'
const OTHER_ID = '2df7bf9b-8b6b-4b3b-9d5e-0a8f4c1d2e3f'
const TEMPLATE = {
  id: ID,
  name: 'docker',
  display_name: '',
  provisioner: 'echo',
  active_version_id: ID,
  description: '',
  icon: '',
  default_ttl_ms: 0,
  created_by: ID,
  group_acl: {},
  user_acl: {},
  allow_user_cancel_workspace_jobs: false,
}
const WORKSPACE = { id: ID, owner_id: ID, template_id: ID, name: 'dev', autostart_schedule: null, ttl_ms: null }
const VERSION = { id: ID, template_id: null, name: 'first', readme: '', created_by: ID }
const GROUP = { id: ID, name: 'team', avatar_url: '', quota_allowance: 0, members: [] }
const KEY = { user_id: ID, public_key: 'public', sealed_private_key: Buffer.from('sealed') }

const change = (old: unknown, now: unknown, secret = false) => ({ old, new: now, secret })

const CHANGES: readonly [what: string, change: RowChange, stored: object, shown?: object][] = [
  [
    'a number from zero',
    { resource_type: 'group', before: GROUP, after: { ...GROUP, quota_allowance: 3 } },
    { quota_allowance: change(0, 3) },
  ],
  [
    'a boolean',
    { resource_type: 'template', before: TEMPLATE, after: { ...TEMPLATE, allow_user_cancel_workspace_jobs: true } },
    { allow_user_cancel_workspace_jobs: change(false, true) },
  ],
  [
    'a map, from an empty one',
    { resource_type: 'template', before: TEMPLATE, after: { ...TEMPLATE, user_acl: { [ID]: ['read'] } } },
    { user_acl: change({}, { [ID]: ['read'] }) },
  ],
  [
    'a map whose keys are in another order is the same',
    {
      resource_type: 'template',
      before: { ...TEMPLATE, group_acl: { [ID]: ['read'], [OTHER_ID]: ['*'] } },
      after: { ...TEMPLATE, group_acl: { [OTHER_ID]: ['*'], [ID]: ['read'] } },
    },
    {},
  ],
  [
    'a set, sorted whatever its order',
    { resource_type: 'group', before: { ...GROUP, members: [ID] }, after: { ...GROUP, members: [OTHER_ID, ID] } },
    { members: change([ID], [ID, OTHER_ID]) },
  ],
  [
    'a set in another order is the same',
    { resource_type: 'group', before: { ...GROUP, members: [ID, OTHER_ID] }, after: { ...GROUP, members: [OTHER_ID, ID] } },
    {},
  ],
  [
    'a UUID that was null',
    { resource_type: 'template_version', before: VERSION, after: { ...VERSION, template_id: ID } },
    { template_id: change('', ID) },
  ],
  [
    'a UUID that becomes the nil one',
    { resource_type: 'template_version', before: { ...VERSION, template_id: ID }, after: { ...VERSION, template_id: NIL_UUID } },
    { template_id: change(ID, '') },
  ],
  [
    'a UUID that is null and one that is nil are the same',
    { resource_type: 'template_version', before: VERSION, after: { ...VERSION, template_id: NIL_UUID } },
    {},
  ],
  [
    'a text that was null',
    { resource_type: 'workspace', before: WORKSPACE, after: { ...WORKSPACE, autostart_schedule: '30 9 * * 1-5' } },
    { autostart_schedule: change('', '30 9 * * 1-5') },
    { autostart_schedule: change('null', '30 9 * * 1-5') },
  ],
  [
    'a time, shown in nanoseconds',
    { resource_type: 'workspace', before: { ...WORKSPACE, ttl_ms: 60_000 }, after: WORKSPACE },
    { ttl_ms: change(60_000, 0) },
    { ttl: change(60_000_000_000, 0) },
  ],
  [
    'a secret, whose values nobody sees',
    { resource_type: 'git_ssh_key', before: KEY, after: { ...KEY, sealed_private_key: Buffer.from('other') } },
    { sealed_private_key: change('', '', true) },
    { private_key: change('', '', true) },
  ],
  [
    'a secret of the same bytes is the same',
    { resource_type: 'git_ssh_key', before: KEY, after: { ...KEY, sealed_private_key: Buffer.from('sealed') } },
    {},
  ],
  [
    'what is created, against zero values',
    { resource_type: 'workspace', after: WORKSPACE },
    { id: change('', ID), owner_id: change('', ID), template_id: change('', ID), name: change('', 'dev') },
  ],
  [
    'what is deleted, against zero values',
    { resource_type: 'group', before: { ...GROUP, quota_allowance: 5, members: [ID] } },
    { id: change(ID, ''), name: change('team', ''), quota_allowance: change(5, 0), members: change([ID], []) },
  ],
  [
    'a value of a parameter, as a change of what has it',
    { resource_type: 'template', row_type: 'parameter_value', after: { parameter: 'zone' } },
    { parameter: change('', 'zone') },
  ],
  ['a build, which has no tracked fields', { resource_type: 'workspace_build', after: {} }, {}],
]

test.each(CHANGES)('%s', (_what, rows, stored, shown = stored) => {
  verifies('audit:diff')
  expect(difference(rows)).toEqual(stored)
  expect(presentDifference(rows.resource_type, difference(rows))).toEqual(shown)
})

test('untracked fields are shown as stored', () => {
  const stored = { foo: change('', 'baz'), parameter: change('', 'zone') }
  expect(presentDifference('template', stored)).toEqual(stored)
  expect(presentDifference('license', stored)).toEqual(stored)
})

const VALUES = {
  text: fc.string(),
  nullable_text: fc.option(fc.string({ minLength: 1 })),
  number: fc.nat(),
  milliseconds: fc.option(fc.nat()),
  boolean: fc.boolean(),
  uuid: fc.option(fc.uuid()),
  list: fc.array(fc.string()),
  set: fc.uniqueArray(fc.uuid()),
  map: fc.dictionary(fc.uuid(), fc.array(fc.string()), { noNullPrototype: true }),
  secret: fc.string({ minLength: 20 }),
} as const

/**
 * Generates a resource type with two of its rows, which share some fields and have untracked
 * columns.
 */
const rowPairs = fc.constantFrom(...(Object.keys(TRACKED) as (keyof typeof TRACKED)[])).chain((type) => {
  const kinds = Object.entries<keyof typeof VALUES>(TRACKED[type])
  const row = fc.record({ ...Object.fromEntries(kinds.map(([field, kind]) => [field, VALUES[kind]])), updated_at: fc.string() })
  const isKept = fc.record(Object.fromEntries(kinds.map(([field]) => [field, fc.boolean()])))
  return fc.record({ type: fc.constant(type), before: row, other: row, isKept }).map(({ isKept: kept, other, ...rest }) => {
    const after = Object.fromEntries(
      Object.entries(other).map(([field, value]) => [field, kept[field] === true ? rest.before[field as never] : value]),
    )
    return { ...rest, after, secrets: kinds.filter(([, kind]) => kind === 'secret').map(([field]) => field) }
  })
})

/** The generated rows have the fields of their type. */
function changeOf(type: keyof typeof TRACKED, before: object | undefined, after: object | undefined): RowChange {
  const types = type === 'parameter_value' ? { resource_type: 'template', row_type: type } : { resource_type: type }
  return { ...types, before, after } as unknown as RowChange
}

describe('of any rows', () => {
  test('a row does not differ from itself, nor an absent row from an absent one', () => {
    fc.assert(
      fc.property(rowPairs, ({ type, before }) => {
        expect(difference(changeOf(type, before, { ...before }))).toEqual({})
        expect(difference(changeOf(type, undefined, undefined))).toEqual({})
      }),
    )
  })

  test('old and new differ in every reported field, have one type, and swap places with the rows', () => {
    fc.assert(
      fc.property(rowPairs, fc.boolean(), fc.boolean(), ({ type, before, after }, isCreated, isDeleted) => {
        const [old, now] = [isCreated ? undefined : before, isDeleted ? undefined : after]
        const told = difference(changeOf(type, old, now))
        const reversed = difference(changeOf(type, now, old))
        expect(Object.keys(told)).toEqual(Object.keys(reversed))
        for (const [field, one] of Object.entries(told)) {
          expect(Object.hasOwn(TRACKED[type], field)).toBe(true)
          if (!one.secret) expect(one.old).not.toEqual(one.new)
          expect([typeof one.old, Array.isArray(one.old)]).toEqual([typeof one.new, Array.isArray(one.new)])
          expect(reversed[field]).toEqual({ old: one.new, new: one.old, secret: one.secret })
        }
      }),
    )
  })

  test('no secret is stored or shown', () => {
    fc.assert(
      fc.property(rowPairs, ({ type, before, after, secrets }) => {
        const told = difference(changeOf(type, before, after))
        for (const field of secrets) expect([undefined, change('', '', true)]).toContainEqual(told[field])
        expect(Object.keys(told).filter((field) => told[field]?.secret === true)).toEqual(secrets.filter((field) => field in told))
        expect(Object.values(presentDifference(type, told))).toHaveLength(Object.keys(told).length)
      }),
    )
  })
})
