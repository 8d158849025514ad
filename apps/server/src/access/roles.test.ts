import { describe, expect, it } from 'vitest'
import { assignableRoles, builtInRoles, findRole, mayAssign, roleDisplayName } from './roles.ts'

const site = ['owner', 'auditor', 'member', 'template-admin', 'user-admin']
const everyRole = [...site, 'organization-admin:x', 'organization-member:x', 'organization-admin:y', 'organization-member:y']

describe('findRole', () => {
  it.each(everyRole)('%s is a role', (name) => expect(findRole(name)).toBeDefined())
  it.each([
    '',
    ':',
    ':x',
    'Owner',
    'nobody',
    'owner:',
    'owner:x',
    'organization-admin',
    'organization-admin:',
    'organization-admin:x:y',
    'constructor',
  ])('%j is none', (name) => expect(findRole(name)).toBeUndefined())
  it('returns the organization', () => {
    expect(findRole('organization-admin:x')).toMatchObject({ name: 'organization-admin', organization_id: 'x' })
  })
})

it.each([
  ['owner', 'Owner'],
  ['auditor', 'Auditor'],
  ['template-admin', 'Template Admin'],
  ['user-admin', 'User Admin'],
  ['organization-admin:x', 'Organization Admin'],
  ['organization-member:x', ''],
  ['member', ''],
  ['nobody', ''],
])('%s is shown as %j', (name, text) => expect(roleDisplayName(name)).toBe(text))

describe('mayAssign', () => {
  it.each([
    ['owner', everyRole],
    ['user-admin', ['member', 'organization-member:x', 'organization-member:y']],
    ['organization-admin:x', ['organization-admin:x', 'organization-member:x']],
    ['organization-member:x', []],
    ['member', []],
    ['auditor', []],
    ['template-admin', []],
    ['nobody', []],
  ])('%s may assign exactly %j', (held, assignable) => {
    expect(everyRole.filter((name) => mayAssign(['member', held], name))).toEqual(assignable)
  })

  it('nobody may assign an unknown role', () => {
    for (const name of ['nobody', 'owner:x', 'organization-admin', '']) expect(mayAssign(['owner'], name)).toBe(false)
  })
})

describe('assignableRoles', () => {
  it('offers the site roles that have a display name', () => {
    expect(assignableRoles(['owner'])).toEqual([
      { name: 'owner', display_name: 'Owner', assignable: true },
      { name: 'auditor', display_name: 'Auditor', assignable: true },
      { name: 'template-admin', display_name: 'Template Admin', assignable: true },
      { name: 'user-admin', display_name: 'User Admin', assignable: true },
    ])
  })

  it.each([[['member']], [['member', 'user-admin']], [['member', 'organization-admin:x']]])('to %j none of them is assignable', (held) => {
    expect(assignableRoles(held).map((role) => role.assignable)).toEqual([false, false, false, false])
  })

  it.each([
    [['owner'], true],
    [['organization-admin:x'], true],
    [['organization-admin:y'], false],
    [['organization-member:x'], false],
    [['user-admin'], false],
  ])('to %j the admin role of organization x is assignable: %s', (held, assignable) => {
    expect(assignableRoles(held, 'x')).toEqual([{ name: 'organization-admin:x', display_name: 'Organization Admin', assignable }])
  })
})

it('site permissions belong to site roles and organization permissions to organization roles', () => {
  for (const role of builtInRoles.values()) {
    if (role.level === 'site') expect(role.organization).toEqual([])
    else expect([...role.site, ...role.user]).toEqual([])
  }
})
