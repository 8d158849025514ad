import type { Action, ResourceType } from '@berth/schema'
import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileActor, may, type AccessObject, type ActorFacts } from './may.ts'
import { visibleCondition, type VisibleCondition } from './visible.ts'

const facts: ActorFacts = { user_id: 'me', roles: [], organization_roles: [], groups: [], scope: 'all' }
const inX = [{ organization_id: 'x', roles: [] }]

describe('workspaces', () => {
  it.each<[string, Partial<ActorFacts>, VisibleCondition]>([
    ['a site owner sees all', { roles: ['owner'] }, { kind: 'all' }],
    ['a template admin sees all', { roles: ['template-admin'] }, { kind: 'all' }],
    ['an auditor outside any organization sees none', { roles: ['auditor'] }, { kind: 'none' }],
    ['a key scoped to applications sees none', { roles: ['owner'], scope: 'application_connect' }, { kind: 'none' }],
    ['the holder of an unknown role sees none', { roles: ['owner', 'nobody'] }, { kind: 'none' }],
    [
      'a member sees own ones in organizations they belong to',
      { organization_roles: inX },
      { kind: 'some', organizations: [], own: { user_id: 'me', organizations: ['x'] } },
    ],
    [
      'an organization admin sees all of the organization',
      {
        organization_roles: [
          { organization_id: 'x', roles: ['organization-admin:x'] },
          { organization_id: 'y', roles: [] },
        ],
      },
      { kind: 'some', organizations: ['x'], own: { user_id: 'me', organizations: ['x', 'y'] } },
    ],
  ])('%s', (_, own, condition) => {
    expect(visibleCondition(compileActor({ ...facts, ...own }), 'read', 'workspace')).toEqual(condition)
  })
})

it('templates are visible through their access lists', () => {
  const actor = compileActor({ ...facts, organization_roles: inX, groups: ['g'] })
  expect(visibleCondition(actor, 'read', 'template')).toEqual({
    kind: 'some',
    organizations: [],
    acl: { actions: ['read', '*'], user_id: 'me', groups: ['g'], organizations: ['x'] },
  })
})

it('own files are visible everywhere', () => {
  expect(visibleCondition(compileActor(facts), 'read', 'file')).toEqual({
    kind: 'some',
    organizations: [],
    own: { user_id: 'me', organizations: 'any' },
  })
})

it('all users are visible to everyone, the audit log to few', () => {
  expect(visibleCondition(compileActor(facts), 'read', 'user')).toEqual({ kind: 'all' })
  expect(visibleCondition(compileActor(facts), 'read', 'audit_log')).toEqual({ kind: 'none' })
})

/** Returns what a WHERE clause built from a condition selects. */
function selects(condition: VisibleCondition, row: AccessObject): boolean {
  if (condition.kind !== 'some') return condition.kind === 'all'
  const { organizations, own, acl } = condition
  const organization = row.organization_id ?? ''
  if (organizations.includes(organization)) return true
  if (own && row.owner_id === own.user_id && (own.organizations === 'any' || own.organizations.includes(organization))) return true
  if (!acl) return false
  const lists = (entry: readonly string[] | undefined) => acl.actions.some((action) => entry?.includes(action))
  if (lists(row.user_acl?.[acl.user_id])) return true
  return acl.organizations.includes(organization) && [...acl.groups, organization].some((group) => lists(row.group_acl?.[group]))
}

const accessLists = (ids: fc.Arbitrary<string>) =>
  fc.dictionary(ids, fc.uniqueArray(fc.constantFrom('read', 'update', '*', 'create')), { maxKeys: 3 })

describe('any caller and any rows', () => {
  const organization = fc.constantFrom('x', 'y', 'z')
  const user = fc.constantFrom('me', 'you')
  const action = fc.constantFrom<Action>('create', 'read', 'update', 'delete')
  const inOrganization = (type: ResourceType) => fc.record({ type: fc.constant(type), organization_id: organization })
  const ofOwner = (type: ResourceType) => fc.record({ type: fc.constant(type), owner_id: user })
  const row: fc.Arbitrary<AccessObject> = fc.oneof(
    ...(['workspace', 'workspace_execution', 'application_connect'] as const).map((type) =>
      fc.record({ type: fc.constant(type), organization_id: organization, owner_id: user }),
    ),
    fc.record({
      type: fc.constant('template' as const),
      organization_id: organization,
      user_acl: accessLists(user),
      group_acl: accessLists(fc.constantFrom('g', 'h', 'x', 'y')),
    }),
    ...(['file', 'api_key', 'user_data'] as const).map(ofOwner),
    ...(['organization', 'organization_member', 'group', 'assign_org_role'] as const).map(inOrganization),
    ...(['user', 'assign_role', 'audit_log', 'deployment_config', 'provisioner_daemon'] as const).map((type) =>
      fc.record({ type: fc.constant(type) }),
    ),
  )
  const caller: fc.Arbitrary<ActorFacts> = fc.record({
    user_id: fc.constant('me'),
    roles: fc.uniqueArray(fc.constantFrom('auditor', 'template-admin', 'user-admin', 'member', 'owner', 'nobody'), { maxLength: 2 }),
    organization_roles: fc.uniqueArray(
      organization.chain((id) =>
        fc.record({
          organization_id: fc.constant(id),
          roles: fc.constantFrom([], [`organization-admin:${id}`], [`organization-member:${id}`]),
        }),
      ),
      { selector: (membership) => membership.organization_id },
    ),
    groups: fc.uniqueArray(fc.constantFrom('g', 'h')),
    scope: fc.constantFrom('all', 'all', 'all', 'application_connect'),
  })

  it('the condition selects exactly the rows the caller may act on', () => {
    fc.assert(
      fc.property(caller, action, fc.array(row, { minLength: 1, maxLength: 20 }), (own, what, rows) => {
        const actor = compileActor(own)
        for (const object of rows) {
          expect(selects(visibleCondition(actor, what, object.type), object), JSON.stringify(object)).toBe(may(actor, what, object))
        }
      }),
      { numRuns: runs(3000) },
    )
  })
})
