import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { AssignableRole } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rawRequest } from './raw-request.ts'
import { callApi, type ApiAnswer } from './call-api.ts'
import { createMember, uniqueName, type Member } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let organization: string
let foreign: string
let member: Member
let organizationAdmin: Member
let userAdmin: Member
beforeAll(async () => {
  server = await startTestServer()
  organization = server.firstUser.organization_id
  foreign = (await server.client.organizations.create({ body: { name: uniqueName('foreign') } })).id
  member = await createMember(server)
  organizationAdmin = await createMember(server)
  await setMember(organizationAdmin.id, [`organization-admin:${organization}`])
  userAdmin = await createMember(server, { roles: ['user-admin'] })
})
afterAll(async () => await server.stop())

async function setMember(
  user: string,
  roles: unknown,
  { token, of = organization }: { token?: string; of?: string } = {},
): Promise<ApiAnswer> {
  return await callApi(server, `PUT /organizations/${of}/members/${user}/roles`, { body: { roles }, ...(token !== undefined && { token }) })
}

async function setSite(user: string, roles: unknown, token?: string): Promise<ApiAnswer> {
  return await callApi(server, `PUT /users/${user}/roles`, { body: { roles }, ...(token !== undefined && { token }) })
}

const SITE = [
  ['owner', 'Owner'],
  ['auditor', 'Auditor'],
  ['template-admin', 'Template Admin'],
  ['user-admin', 'User Admin'],
] as const
const siteRoles = (assignable: boolean): AssignableRole[] => SITE.map(([name, display_name]) => ({ name, display_name, assignable }))
const organizationRoles = (assignable: boolean): AssignableRole[] => [
  { name: `organization-admin:${organization}`, display_name: 'Organization Admin', assignable },
]

describe('the roles there are', () => {
  const ofOrganization = { params: { organization: '' } }
  beforeAll(() => {
    ofOrganization.params.organization = organization
  })

  test('are shown to a member, who may assign none of them and is 403 in a foreign organization', async () => {
    verifies('roles:member')
    expect(await member.client.roles.listSite()).toEqual(siteRoles(false))
    expect(await member.client.roles.listOrganization(ofOrganization)).toEqual(organizationRoles(false))
    const { status, json } = await callApi(server, `GET /organizations/${foreign}/members/roles`, { token: member.token })
    expect([status, json]).toEqual([403, { message: 'Forbidden.' }])
  })

  test('are assignable by an organization admin in the own organization only, and everywhere by an owner', async () => {
    verifies('roles:admins')
    expect(await organizationAdmin.client.roles.listSite()).toEqual(siteRoles(false))
    expect(await organizationAdmin.client.roles.listOrganization(ofOrganization)).toEqual(organizationRoles(true))
    expect((await callApi(server, `GET /organizations/${foreign}/members/roles`, { token: organizationAdmin.token })).status).toBe(403)
    expect(await server.client.roles.listSite()).toEqual(siteRoles(true))
    expect(await server.client.roles.listOrganization(ofOrganization)).toEqual(organizationRoles(true))
  })
})

describe('site roles', () => {
  test('of the first user are exactly owner, and member of the organization', async () => {
    verifies('users:roles-first')
    const own = await startTestServer()
    const { organization_id } = own.firstUser
    expect(await own.client.users.getRoles({ params: { user: 'me' } })).toEqual({
      roles: ['owner'],
      organization_roles: { [organization_id]: [`organization-member:${organization_id}`] },
    })
    await own.stop()
  })

  test('refuse an organization role, an unknown user, oneself, and a caller who may not', async () => {
    verifies('users:roles-site')
    const organizational = await setSite(member.id, [`organization-admin:${organization}`])
    expect([organizational.status, organizational.json.message]).toEqual([400, expect.stringContaining("isn't a site role")])
    expect((await setSite('me', [`organization-admin:${organization}`])).status).toBe(400)
    expect((await setSite(randomUUID(), ['member'])).status).toBe(400)
    expect((await setSite('me', [])).status).toBe(400)
    expect((await setSite('me', [], member.token)).status).toBe(400)
    expect((await setSite('testuser', [], member.token)).status).toBe(403)
    expect((await setSite(member.id, ['nothing'])).status).toBe(403)
    expect((await setSite(member.id, 'owner')).status).toBe(400)
  })

  test('of oneself are refused before anything else is looked at', async () => {
    verifies('users:roles-oneself')
    const { key } = await server.client.sessions.createToken({ params: { user: 'me' }, body: { scope: 'application_connect' } })
    for (const path of ['/users/me/roles', `/organizations/${organization}/members/me/roles`])
      for (const token of [server.firstUser.token, member.token, key]) {
        const { status, json } = await rawRequest(server.url, `PUT ${path}`, { token, body: 'x' })
        expect([path, status, (json as { message: string }).message]).toEqual([
          path,
          400,
          expect.stringMatching(/^You cannot change your own /),
        ])
      }
  })

  test('are set exactly, once each, recorded, and work from then on', async () => {
    verifies('users:roles-set')
    const person = await createMember(server)
    expect((await callApi(server, 'GET /organizations/x/members/roles', { token: person.token })).status).toBe(400)
    const roles = ['template-admin', 'auditor', 'auditor']
    const user = await server.client.users.updateRoles({ params: { user: person.id }, body: { roles } })
    expect(user.roles.map(({ name }) => name)).toEqual(['template-admin', 'auditor'])
    const [entry] = await runSql(server, `select diff from audit_logs where resource_id = $1 and action = 'write'`, [person.id])
    expect(entry).toMatchObject({ diff: { rbac_roles: { old: [], new: ['template-admin', 'auditor'] } } })
    const { json } = await callApi(server, 'POST /authcheck', {
      token: person.token,
      body: { checks: { audit: { object: { resource_type: 'audit_log' }, action: 'read' } } },
    })
    expect(json).toEqual({ audit: true })
    await server.client.users.updateRoles({ params: { user: person.id }, body: { roles: [] } })
    expect((await person.client.users.getRoles({ params: { user: 'me' } })).roles).toEqual([])
  })

  test('that a user admin sets are at most member, which is then shown', async () => {
    verifies('users:roles-site')
    const person = await createMember(server)
    const { json } = await setSite(person.id, ['member'], userAdmin.token)
    expect(json.roles).toEqual([{ name: 'member', display_name: '' }])
    for (const roles of [['owner'], ['user-admin'], ['member', 'auditor']])
      expect((await setSite(person.id, roles, userAdmin.token)).status).toBe(403)
    await setSite(person.id, ['auditor'])
    expect((await setSite(person.id, [], userAdmin.token)).status).toBe(403)
  })

  test('of others are 404 for a member, and their memberships are left out where the reader may not see them', async () => {
    verifies('users:roles-visible')
    expect((await callApi(server, 'GET /users/testuser/roles', { token: member.token })).status).toBe(404)
    const outsider = await createMember(server, { organization: foreign })
    const { organization_roles } = await outsider.client.users.getRoles({ params: { user: 'me' } })
    expect(organization_roles).toEqual({ [foreign]: [] })
  })
})

describe('organization roles', () => {
  test('refuse a site role, oneself, a foreign admin, a foreign or unknown role, and who is no member', async () => {
    verifies('users:roles-organization')
    expect((await setMember('me', ['owner'])).status).toBe(400)
    expect((await setMember('me', [])).status).toBe(400)
    for (const [role, text] of [
      ['auditor', "isn't an organization role"],
      [`organization-admin:${foreign}`, 'another organization'],
      ['organization-admin:x', "organization's ID"],
      [`organization-admin:${organization}:x`, "isn't an organization role"],
    ] as const) {
      const { status, json } = await setMember(member.id, [role])
      // Nobody may assign an unknown role.
      if (status === 403) expect(role).toMatch(/:x$/)
      else expect([status, json.message]).toEqual([400, expect.stringContaining(text)])
    }
    const outsider = await createMember(server, { organization: foreign })
    expect((await setMember(outsider.id, [], { token: organizationAdmin.token, of: foreign })).status).toBe(403)
    expect((await setMember(outsider.id, [])).status).toBe(404)
    expect((await setMember(randomUUID(), [])).status).toBe(400)
    expect((await setMember(member.id, [], { of: 'x' })).status).toBe(400)
    for (const { token } of [member, userAdmin]) expect((await setMember('testuser', [], { token })).status).toBe(403)
    expect((await setMember(member.id, ['owner'], { token: organizationAdmin.token })).status).toBe(403)
  })

  test('are set exactly by an admin of the organization, are recorded, and work from then on', async () => {
    verifies('users:roles-organization')
    const person = await createMember(server)
    const role = `organization-admin:${organization}`
    const set = await organizationAdmin.client.roles.updateMember({ params: { organization, user: person.id }, body: { roles: [role] } })
    expect(set).toMatchObject({
      user_id: person.id,
      organization_id: organization,
      roles: [{ name: role, display_name: 'Organization Admin' }],
    })
    expect(await person.client.users.getRoles({ params: { user: 'me' } })).toEqual({
      roles: [],
      organization_roles: { [organization]: [role] },
    })
    expect(await person.client.roles.listOrganization({ params: { organization } })).toEqual(organizationRoles(true))
    const entries = await runSql(
      server,
      `select user_id, organization_id, diff from audit_logs where resource_id = $1 and resource_type = 'organization_member'`,
      [person.id],
    )
    expect(entries).toMatchObject([
      { user_id: organizationAdmin.id, organization_id: organization, diff: { roles: { old: [], new: [role] } } },
    ])
    server.clock.advance(1_000)
    const taken = await organizationAdmin.client.roles.updateMember({ params: { organization, user: person.id }, body: { roles: [] } })
    expect(taken.roles).toEqual([])
    expect(Date.parse(taken.updated_at)).toBeGreaterThan(Date.parse(set.updated_at))
  })
})
