import type { Action, ResourceType } from '@berth/schema'
import { describe, expect, it } from 'vitest'
import { compileActor, may, mayNamed, type AccessObject, type ActorFacts } from './may.ts'

const org = '11111111-1111-4111-8111-111111111111'
const otherOrg = '22222222-2222-4222-8222-222222222222'
const me = '33333333-3333-4333-8333-333333333333'
const other = '44444444-4444-4444-8444-444444444444'
const group = '55555555-5555-4555-8555-555555555555'

const actorOf = (facts: Partial<ActorFacts> = {}) =>
  compileActor({ user_id: other, roles: [], organization_roles: [], groups: [], scope: 'all', ...facts })
const memberOf = (id: string, roles: readonly string[] = []) => [{ organization_id: id, roles }]

/** The callers in the matrix. `me` owns the owned objects; the others don't. */
const subjects = {
  member: actorOf({ user_id: me }),
  organizationMember: actorOf({ user_id: me, organization_roles: memberOf(org) }),
  organizationAdmin: actorOf({ organization_roles: memberOf(org, [`organization-admin:${org}`]) }),
  otherMember: actorOf({ organization_roles: memberOf(otherOrg) }),
  otherAdmin: actorOf({ organization_roles: memberOf(otherOrg, [`organization-admin:${otherOrg}`]) }),
  templateAdmin: actorOf({ roles: ['template-admin'] }),
  userAdmin: actorOf({ roles: ['user-admin'] }),
  owner: actorOf({ roles: ['owner'] }),
}
type Subject = keyof typeof subjects
const everybody: Subject[] = [
  'member',
  'organizationMember',
  'organizationAdmin',
  'otherMember',
  'otherAdmin',
  'templateAdmin',
  'userAdmin',
  'owner',
]
const every: Action[] = ['create', 'read', 'update', 'delete']
const change: Action[] = ['create', 'update', 'delete']

describe('the matrix of roles', () => {
  const everyone = { [org]: ['read'] }
  const cases: [string, Action[], AccessObject, Subject[]][] = [
    ['read a user', ['read'], { type: 'user' }, everybody],
    ['change a user', change, { type: 'user' }, ['userAdmin', 'owner']],
    [
      'read an own workspace',
      ['read'],
      { type: 'workspace', organization_id: org, owner_id: me },
      ['organizationMember', 'organizationAdmin', 'templateAdmin', 'owner'],
    ],
    [
      'change an own workspace',
      change,
      { type: 'workspace', organization_id: org, owner_id: me },
      ['organizationMember', 'organizationAdmin', 'owner'],
    ],
    [
      'execute in an own workspace',
      every,
      { type: 'workspace_execution', organization_id: org, owner_id: me },
      ['organizationMember', 'organizationAdmin', 'owner'],
    ],
    [
      'connect to an own application',
      every,
      { type: 'application_connect', organization_id: org, owner_id: me },
      ['organizationMember', 'organizationAdmin', 'owner'],
    ],
    ['change a template', change, { type: 'template', organization_id: org }, ['organizationAdmin', 'templateAdmin', 'owner']],
    ['read a template', ['read'], { type: 'template', organization_id: org }, ['organizationAdmin', 'templateAdmin', 'owner']],
    [
      'read a template open to its organization',
      ['read'],
      { type: 'template', organization_id: org, group_acl: everyone },
      ['organizationMember', 'organizationAdmin', 'templateAdmin', 'owner'],
    ],
    ['create a file for nobody', ['create'], { type: 'file' }, ['templateAdmin', 'owner']],
    ['use an own file', every, { type: 'file', owner_id: me }, ['member', 'organizationMember', 'templateAdmin', 'owner']],
    ['create an organization', ['create'], { type: 'organization' }, ['owner']],
    ['change an organization', ['update', 'delete'], { type: 'organization', organization_id: org }, ['organizationAdmin', 'owner']],
    [
      'read an organization',
      ['read'],
      { type: 'organization', organization_id: org },
      ['organizationMember', 'organizationAdmin', 'owner'],
    ],
    ['assign site roles', change, { type: 'assign_role' }, ['userAdmin', 'owner']],
    ['read site roles', ['read'], { type: 'assign_role' }, everybody],
    ['assign organization roles', change, { type: 'assign_org_role', organization_id: org }, ['organizationAdmin', 'owner']],
    [
      'read organization roles',
      ['read'],
      { type: 'assign_org_role', organization_id: org },
      ['organizationMember', 'organizationAdmin', 'owner'],
    ],
    ['use own keys', every, { type: 'api_key', owner_id: me }, ['member', 'organizationMember', 'owner']],
    ['use own data', every, { type: 'user_data', owner_id: me }, ['member', 'organizationMember', 'owner']],
    ['change a membership', change, { type: 'organization_member', organization_id: org }, ['organizationAdmin', 'userAdmin', 'owner']],
    [
      'read a membership',
      ['read'],
      { type: 'organization_member', organization_id: org },
      ['organizationMember', 'organizationAdmin', 'userAdmin', 'owner'],
    ],
    ['read a group', ['read'], { type: 'group', organization_id: org }, ['organizationMember', 'organizationAdmin', 'userAdmin', 'owner']],
    ['change a group', change, { type: 'group', organization_id: org }, ['organizationAdmin', 'userAdmin', 'owner']],
    ['read the audit log', ['read'], { type: 'audit_log' }, ['owner']],
    ['read the deployment', ['read'], { type: 'deployment_config' }, ['owner']],
    ['read a daemon', ['read'], { type: 'provisioner_daemon' }, everybody],
    ['change a daemon', change, { type: 'provisioner_daemon' }, ['templateAdmin', 'owner']],
  ]
  it.each(cases)('who may %s', (_, actions, object, allowed) => {
    for (const action of actions)
      expect([action, ...everybody.filter((name) => may(subjects[name], action, object))]).toEqual([action, ...allowed])
  })

  it('an auditor reads every template and the audit log, and nothing else that others own', () => {
    const auditor = actorOf({ roles: ['auditor'] })
    expect(may(auditor, 'read', { type: 'template', organization_id: org })).toBe(true)
    expect(may(auditor, 'read', { type: 'audit_log' })).toBe(true)
    expect(may(auditor, 'update', { type: 'template', organization_id: org })).toBe(false)
    expect(may(auditor, 'read', { type: 'workspace', organization_id: org, owner_id: me })).toBe(false)
    expect(may(auditor, 'read', { type: 'file', owner_id: me })).toBe(false)
  })
})

const own = (organization_id: string): AccessObject => ({ type: 'workspace', organization_id, owner_id: other })
const foreign = (type: ResourceType): AccessObject => ({ type, organization_id: org, owner_id: me })

describe('workspaces', () => {
  it('of an organization that the owner has left are out of reach, except for a template admin, who reads them', () => {
    const left = actorOf({ organization_roles: memberOf(otherOrg) })
    expect(every.filter((action) => may(left, action, own(org)))).toEqual([])
    expect(every.filter((action) => may(left, action, own(otherOrg)))).toEqual(every)
    expect(every.filter((action) => may(subjects.templateAdmin, action, own(org)))).toEqual(['read'])
    expect(every.filter((action) => may(subjects.owner, action, own(org)))).toEqual(every)
  })

  it('of others can be read by a template admin everywhere, but not changed or connected to', () => {
    expect(every.filter((action) => may(subjects.templateAdmin, action, foreign('workspace')))).toEqual(['read'])
    expect(every.filter((action) => may(subjects.templateAdmin, action, foreign('workspace_execution')))).toEqual([])
    expect(every.filter((action) => may(subjects.templateAdmin, action, foreign('application_connect')))).toEqual([])
  })

  it('of others are out of reach for members, user admins and auditors of the same organization', () => {
    for (const role of ['user-admin', 'auditor', 'member']) {
      const actor = actorOf({ roles: [role], organization_roles: memberOf(org) })
      for (const type of ['workspace', 'workspace_execution', 'application_connect'] as const) {
        expect(every.filter((action) => may(actor, action, foreign(type)))).toEqual([])
      }
    }
  })
})

describe('access lists', () => {
  const template = { type: 'template', organization_id: org } as const
  it.each<[string, Partial<ActorFacts>, Partial<AccessObject>, Action[]]>([
    ['a user entry', { user_id: me }, { user_acl: { [me]: ['read'] } }, ['read']],
    ['a user entry with everything', { user_id: me }, { user_acl: { [me]: ['*'] } }, every],
    ['a user entry of somebody else', { user_id: me }, { user_acl: { [other]: ['*'] } }, []],
    [
      'a group entry, in the organization',
      { groups: [group], organization_roles: memberOf(org) },
      { group_acl: { [group]: ['read', 'update'] } },
      ['read', 'update'],
    ],
    ['a group entry with everything', { groups: [group], organization_roles: memberOf(org) }, { group_acl: { [group]: ['*'] } }, every],
    ['a group entry, outside the organization', { groups: [group] }, { group_acl: { [group]: ['*'] } }, []],
    ['a group one is not in', { organization_roles: memberOf(org) }, { group_acl: { [group]: ['*'] } }, []],
    ['the entry of the organization', { organization_roles: memberOf(org) }, { group_acl: { [org]: ['read'] } }, ['read']],
    [
      'the entry of another organization one is in',
      { organization_roles: [...memberOf(org), ...memberOf(otherOrg)] },
      { group_acl: { [otherOrg]: ['*'] } },
      [],
    ],
    ['empty lists', { organization_roles: memberOf(org) }, { user_acl: {}, group_acl: {} }, []],
    ['no lists', { organization_roles: memberOf(org) }, { user_acl: null, group_acl: null }, []],
    ['a name every object has', { user_id: 'constructor', organization_roles: memberOf(org) }, { user_acl: {}, group_acl: {} }, []],
  ])('%s', (_, facts, lists, allowed) => {
    const actor = actorOf(facts)
    expect(every.filter((action) => may(actor, action, { ...template, ...lists }))).toEqual(allowed)
  })
})

describe('the scope of a key', () => {
  it('application_connect lets an owner connect and nothing else', () => {
    const actor = actorOf({ roles: ['owner'], scope: 'application_connect' })
    expect(may(actor, 'create', { type: 'application_connect', organization_id: org, owner_id: me })).toBe(true)
    expect(may(actor, 'read', { type: 'application_connect', organization_id: org, owner_id: me })).toBe(false)
    expect(may(actor, 'read', { type: 'workspace', organization_id: org, owner_id: me })).toBe(false)
    expect(may(actor, 'read', { type: 'user' })).toBe(false)
  })

  it('adds nothing to the roles', () => {
    const actor = actorOf({ scope: 'application_connect', organization_roles: memberOf(org) })
    expect(may(actor, 'create', { type: 'application_connect', organization_id: org, owner_id: me })).toBe(false)
    expect(may(actor, 'create', { type: 'application_connect', organization_id: org, owner_id: other })).toBe(true)
  })
})

describe('unknown names', () => {
  it('an unknown role removes every permission', () => {
    for (const unknown of ['nobody', 'owner:x', 'organization-admin', '']) {
      const actor = actorOf({ user_id: me, roles: ['owner', unknown] })
      expect(may(actor, 'read', { type: 'user' })).toBe(false)
      expect(may(actor, 'read', { type: 'user_data', owner_id: me })).toBe(false)
    }
    const actor = actorOf({ organization_roles: memberOf(org, ['nobody']) })
    expect(may(actor, 'read', { type: 'user' })).toBe(false)
  })

  it('a type or an action is allowed by wildcards only', () => {
    expect(mayNamed(subjects.owner, 'read', { type: 'update_check' })).toBe(true)
    expect(mayNamed(subjects.owner, 'paint', { type: 'workspace' })).toBe(true)
    expect(mayNamed(subjects.organizationAdmin, 'paint', { type: 'shed', organization_id: org })).toBe(true)
    expect(mayNamed(subjects.member, 'paint', { type: 'shed', owner_id: me })).toBe(true)
    expect(mayNamed(subjects.member, 'read', { type: 'update_check' })).toBe(false)
    expect(mayNamed(subjects.templateAdmin, 'paint', { type: 'template' })).toBe(false)
    expect(mayNamed(subjects.templateAdmin, '*', { type: '*' })).toBe(false)
  })

  it('in an unknown organization only site roles count', () => {
    const nil: AccessObject = { type: 'template', organization_id: '00000000-0000-0000-0000-000000000000' }
    expect(everybody.filter((name) => may(subjects[name], 'read', nil))).toEqual(['templateAdmin', 'owner'])
  })

  it('an empty owner and organization count as absent', () => {
    expect(may(actorOf({ user_id: '' }), 'read', { type: 'file', owner_id: null, organization_id: null })).toBe(false)
    expect(may(subjects.member, 'read', { type: 'file', owner_id: me, organization_id: '' })).toBe(true)
  })
})
