import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { AuthorizationCheck, Template, Workspace } from '@berth/schema'
import type { Client } from '@berth/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi, type ApiAnswer } from './call-api.ts'
import { createMember, createTemplate, createWorkspace, type Member } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let organization: string
let member: Member
let admin: Member
let template: Template
let workspace: Workspace
beforeAll(async () => {
  server = await startTestServer()
  organization = server.firstUser.organization_id
  member = await createMember(server)
  admin = await createMember(server)
  const roles = [`organization-admin:${organization}`]
  await server.client.roles.updateMember({ params: { organization, user: admin.id }, body: { roles } })
  template = await createTemplate(server)
  workspace = await createWorkspace(server, template, { client: member.client })
})
afterAll(async () => await server.stop())

const ask = (resource_type: string, action: string, of: Partial<AuthorizationCheck['object']> = {}): AuthorizationCheck => ({
  object: { resource_type, ...of },
  action,
})

async function answers(client: Client, checks: Record<string, AuthorizationCheck>): Promise<Record<string, boolean>> {
  return await client.authorization.check({ body: { checks } })
}

async function post(checks: unknown, token?: string): Promise<ApiAnswer> {
  return await callApi(server, 'POST /authcheck', { body: { checks }, ...(token !== undefined && { token }) })
}

test('an owner may all of it, an organization admin what is in the organization or own, a member what is own', async () => {
  verifies('authcheck:generic', 'plumbing:authcheck')
  const checks = {
    all: ask('users', 'read'),
    own: ask('workspaces', 'read', { owner_id: 'me' }),
    inOrganization: ask('workspaces', 'read', { organization_id: organization }),
    template: ask('template', 'update', { resource_id: template.id }),
  }
  expect(await answers(server.client, checks)).toEqual({ all: true, own: true, inOrganization: true, template: true })
  expect(await answers(admin.client, checks)).toEqual({ all: false, own: true, inOrganization: true, template: true })
  expect(await answers(member.client, checks)).toEqual({ all: false, own: true, inOrganization: false, template: false })
})

test('of something that exists its own owner and organization count, not those that are supplied', async () => {
  verifies('authcheck:stored', 'authcheck:generic', 'plumbing:authcheck')
  const resource_id = workspace.id
  const checks = {
    read: ask('workspace', 'read', { resource_id }),
    execute: ask('workspace_execution', 'create', { resource_id, owner_id: randomUUID() }),
    user: ask('user', 'read', { resource_id: server.firstUser.user_id }),
    remove: ask('user', 'delete', { resource_id: server.firstUser.user_id }),
    everyone: ask('group', 'read', { resource_id: organization }),
    template: ask('template', 'read', { resource_id: template.id }),
    missing: ask('workspace', 'read', { resource_id: randomUUID(), owner_id: 'me' }),
  }
  const expected = { read: true, execute: true, user: true, remove: false, everyone: true, template: true, missing: false }
  expect(await answers(member.client, checks)).toEqual(expected)
  const other = await createMember(server)
  const lie = ask('workspace', 'read', { resource_id, owner_id: 'me', organization_id: organization })
  expect(await answers(other.client, { lie })).toEqual({ lie: false })
  for (const spelling of [resource_id.toUpperCase(), `{${resource_id}}`, resource_id.replaceAll('-', '')])
    expect(await answers(member.client, { a: ask('workspace', 'read', { resource_id: spelling }) })).toEqual({ a: true })
})

test('of what is missing nothing is allowed, not even to an owner', async () => {
  verifies('authcheck:stored')
  for (const type of ['workspace', 'workspace_execution', 'template', 'user', 'group'])
    expect(await answers(server.client, { a: ask(type, 'read', { resource_id: randomUUID() }) })).toEqual({ a: false })
})

test('a group is in its organization', async () => {
  verifies('authcheck:stored')
  const group = await server.client.groups.create({ params: { organization }, body: { name: 'painters' } })
  const foreign = await server.client.organizations.create({ body: { name: 'elsewhere' } })
  const checks = {
    read: ask('group', 'read', { resource_id: group.id }),
    update: ask('group', 'update', { resource_id: group.id }),
    foreign: ask('group', 'read', { resource_id: foreign.id }),
  }
  expect(await answers(member.client, checks)).toEqual({ read: true, update: false, foreign: false })
  expect(await answers(admin.client, checks)).toEqual({ read: true, update: true, foreign: false })
  expect(await answers(server.client, checks)).toEqual({ read: true, update: true, foreign: true })
})

test('no checks are answered with nothing, by any name the answers come under that name', async () => {
  expect((await post({})).text).toBe('{}\n')
  expect((await post(null)).text).toBe('{}\n')
  expect((await callApi(server, 'POST /authcheck', { body: {} })).text).toBe('{}\n')
  const { text } = await callApi(server, 'POST /authcheck', {
    body: '{"checks":{"__proto__":{"object":{"resource_type":"user"},"action":"read"},"ünï":{"object":{"resource_type":"user"},"action":"read"}}}',
  })
  expect(text).toBe('{"__proto__":true,"ünï":true}\n')
})

test('names that nobody knows are allowed to those who may do everything', async () => {
  const checks = { flags: ask('deployment_flags', 'read'), odd: ask('workspace', 'dance', { owner_id: 'me' }) }
  expect(await answers(server.client, checks)).toEqual({ flags: true, odd: true })
  expect(await answers(member.client, checks)).toEqual({ flags: false, odd: true })
})

test('a check that cannot be understood is 400 and says which', async () => {
  verifies('authcheck:refused')
  const id = randomUUID()
  const nameless = await post({ nameless: { action: 'read' } })
  expect([nameless.status, nameless.json.message]).toEqual([400, expect.stringContaining('"nameless"')])
  const malformed = await post({ a: ask('workspace', 'read', { resource_id: 'x' }) })
  expect([malformed.status, malformed.json.validations]).toMatchObject([400, [{ field: 'resource_id' }]])
  const unfindable = await post({ a: ask('file', 'read', { resource_id: id }) })
  expect([unfindable.status, unfindable.json.validations]).toMatchObject([400, [{ field: 'resource_type' }]])
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, ask('workspace', 'read', { resource_id: id })]))
  expect((await post(many(11))).status).toBe(400)
  expect((await post(many(10))).status).toBe(200)
  expect((await post('x')).status).toBe(400)
})

test('a key for apps may do nothing but connect to them', async () => {
  verifies('authcheck:scope')
  const { key } = await member.client.sessions.createToken({ params: { user: 'me' }, body: { scope: 'application_connect' } })
  const own = { owner_id: 'me', organization_id: organization }
  const { json } = await post({ read: ask('workspace', 'read', own), connect: ask('application_connect', 'create', own) }, key)
  expect(json).toEqual({ read: false, connect: true })
})

test('who left an organization owns nothing there any more', async () => {
  const guest = await createMember(server)
  const own = { owner_id: 'me', organization_id: organization }
  expect(await answers(guest.client, { a: ask('workspace', 'read', own) })).toEqual({ a: true })
  await runSql(server, 'delete from organization_members where user_id = $1', [guest.id])
  expect(await answers(guest.client, { a: ask('workspace', 'read', own) })).toEqual({ a: false })
})
