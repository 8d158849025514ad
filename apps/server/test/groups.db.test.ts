import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Group } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { createMember, createTemplate, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

async function createGroup(fields: { quota_allowance?: number; avatar_url?: string } = {}): Promise<Group> {
  const params = { organization: server.firstUser.organization_id }
  return await server.client.groups.create({ params, body: { name: uniqueName('group'), ...fields } })
}

const namesOf = ({ members }: Group): string[] => members.map(({ username }) => username)

test('groups are created, listed, read by id and name, changed and deleted, and each change is recorded', async () => {
  verifies('groups:manage')
  const { client, firstUser } = server
  const group = await createGroup({ quota_allowance: 3, avatar_url: 'https://example.com/a.png' })
  expect(group).toEqual({
    id: group.id,
    name: group.name,
    organization_id: firstUser.organization_id,
    members: [],
    avatar_url: 'https://example.com/a.png',
    quota_allowance: 3,
  })
  expect(await client.groups.get({ params: { group: group.id } })).toEqual(group)
  const params = { organization: firstUser.organization_id }
  expect(await client.groups.getByName({ params: { ...params, groupname: group.name.toUpperCase() } })).toEqual(group)
  expect(await client.groups.list({ params })).toContainEqual(group)
  const renamed = await client.groups.update({ params: { group: group.id }, body: { name: `${group.name}2`, quota_allowance: 0 } })
  expect(renamed).toEqual({ ...group, name: `${group.name}2`, quota_allowance: 0 })
  expect(await client.groups.update({ params: { group: group.id }, body: { avatar_url: '' } })).toEqual({ ...renamed, avatar_url: '' })
  await client.groups.delete({ params: { group: group.id } })
  expect((await callApi(server, `GET /groups/${group.id}`)).status).toBe(404)
  const { audit_logs } = await client.audit.list({ query: { q: `resource_id:${group.id}`, limit: 9 } })
  expect(audit_logs.map(({ action, status_code, diff }) => [action, status_code, Object.keys(diff).length])).toEqual([
    ['delete', 200, 2],
    ['write', 200, 1],
    ['write', 200, 2],
    ['create', 201, 4],
  ])
  expect(audit_logs[2]?.diff).toEqual({
    name: { old: group.name, new: `${group.name}2`, secret: false },
    quota_allowance: { old: 3, new: 0, secret: false },
  })
})

test('a taken name is 409 whatever its case, a name that is none and an allowance out of range are 400', async () => {
  verifies('groups:manage')
  const taken = await createGroup()
  const other = await createGroup()
  const place = `/organizations/${server.firstUser.organization_id}/groups`
  const refusals: readonly [line: string, body: unknown, status: number][] = [
    [`POST ${place}`, { name: taken.name.toUpperCase() }, 409],
    [`PATCH /groups/${other.id}`, { name: taken.name }, 409],
    [`POST ${place}`, {}, 400],
    [`POST ${place}`, { name: 'no name' }, 400],
    [`POST ${place}`, { name: 'everyone' }, 400],
    [`PATCH /groups/${other.id}`, { name: 'Everyone' }, 400],
    [`POST ${place}`, { name: uniqueName(), quota_allowance: -1 }, 400],
    [`PATCH /groups/${other.id}`, { quota_allowance: 2_147_483_648 }, 400],
  ]
  for (const [line, body, expected] of refusals)
    expect([line, body, (await callApi(server, line, { body })).status]).toEqual([line, body, expected])
  expect(await server.client.groups.get({ params: { group: other.id } })).toEqual(other)
})

test('members are added and removed', async () => {
  verifies('groups:members')
  const group = await createGroup()
  const [first, second] = [await createMember(server), await createMember(server)]
  const update = async (body: object): Promise<Group> => await server.client.groups.update({ params: { group: group.id }, body })
  const full = await update({ add_users: [first.id, second.id.toUpperCase()] })
  expect(namesOf(full)).toEqual([first.username, second.username].toSorted((a, b) => a.localeCompare(b)))
  expect(full.members[0]).toMatchObject({ organization_ids: [server.firstUser.organization_id], status: 'active' })
  expect(namesOf(await update({ remove_users: [second.id] }))).toEqual([first.username])
  expect(namesOf(await update({ add_users: [second.id], remove_users: [first.id] }))).toEqual([second.username])
  expect(namesOf(await update({ remove_users: [second.id, second.id] }))).toEqual([])
})

test('a user who is named twice, or who is a member already, is 412, and nothing of the request is done', async () => {
  verifies('groups:members-once')
  const created = await createGroup()
  const [inside, outside] = [await createMember(server), await createMember(server)]
  const group = await server.client.groups.update({ params: { group: created.id }, body: { add_users: [inside.id] } })
  const doubles: readonly [addUsers: string[], named: string][] = [
    [[outside.id, outside.id], outside.id],
    [[outside.id, outside.id.toUpperCase()], outside.id],
    [[outside.id, inside.id], inside.id],
    [[inside.id, inside.id], inside.id],
  ]
  for (const [add_users, named] of doubles) {
    const { status, json } = await callApi(server, `PATCH /groups/${group.id}`, { body: { name: 'renamed', add_users } })
    expect([add_users, status, json.message]).toEqual([add_users, 412, expect.stringContaining(named)])
  }
  expect(await server.client.groups.get({ params: { group: group.id } })).toEqual(group)
})

test('of two requests that add the same user at once, one is 412', async () => {
  verifies('groups:members-once')
  const group = await createGroup()
  const member = await createMember(server)
  const add = async (): Promise<number> => (await callApi(server, `PATCH /groups/${group.id}`, { body: { add_users: [member.id] } })).status
  expect((await Promise.all([add(), add()])).toSorted((a, b) => a - b)).toEqual([200, 412])
})

test('a suspended member is not shown, and is shown again when activated', async () => {
  verifies('groups:members-active')
  const created = await createGroup()
  const [first, second] = [await createMember(server), await createMember(server)]
  const group = await server.client.groups.update({ params: { group: created.id }, body: { add_users: [first.id, second.id] } })
  const params = { organization: group.organization_id }
  const shown = async (): Promise<Group[]> => [
    await server.client.groups.get({ params: { group: group.id } }),
    await server.client.groups.getByName({ params: { ...params, groupname: group.name } }),
    ...(await server.client.groups.list({ params })).filter(({ id }) => id === group.id),
    await server.client.groups.update({ params: { group: group.id }, body: { quota_allowance: 1 } }),
  ]
  const everyone = async (): Promise<string[]> => namesOf(await server.client.groups.get({ params: { group: params.organization } }))
  await server.client.users.suspend({ params: { user: first.id } })
  expect((await shown()).map(namesOf)).toEqual(Array.from({ length: 4 }, () => [second.username]))
  expect(await everyone()).not.toContain(first.username)
  await server.client.users.activate({ params: { user: first.id } })
  expect((await shown()).map(namesOf)).toEqual(Array.from({ length: 4 }, () => namesOf(group)))
  expect(await everyone()).toContain(first.username)
})

test('strangers are refused, and nothing of the request is done', async () => {
  verifies('groups:members')
  const group = await createGroup()
  const member = await createMember(server)
  const refusals: readonly [body: object, status: number][] = [
    [{ name: 'renamed', add_users: [member.id, randomUUID()] }, 412],
    [{ name: 'renamed', remove_users: [member.id] }, 412],
    [{ name: 'renamed', add_users: ['me'] }, 400],
  ]
  for (const [body, expected] of refusals) {
    const { status, json } = await callApi(server, `PATCH /groups/${group.id}`, { body })
    expect([body, status, typeof json.message]).toEqual([body, expected, 'string'])
  }
  expect(await server.client.groups.get({ params: { group: group.id } })).toEqual(group)
})

test('everybody of an organization is a group with its ID, read by ID and name, and not listed', async () => {
  verifies('groups:everyone')
  const { client, firstUser } = server
  const member = await createMember(server)
  const everyone = await client.groups.get({ params: { group: firstUser.organization_id } })
  expect(everyone).toMatchObject({
    id: firstUser.organization_id,
    organization_id: firstUser.organization_id,
    name: 'Everyone',
    quota_allowance: 0,
  })
  expect(namesOf(everyone)).toEqual(expect.arrayContaining(['testuser', member.username]))
  const params = { organization: firstUser.organization_id }
  expect(await client.groups.getByName({ params: { ...params, groupname: 'everyone' } })).toEqual(everyone)
  await createGroup()
  const listed = (await client.groups.list({ params })).map(({ id }) => id)
  expect(listed).not.toHaveLength(0)
  expect(listed).not.toContain(everyone.id)
  for (const [line, body] of [
    [`DELETE /groups/${everyone.id}`, undefined],
    [`PATCH /groups/${everyone.id}`, { name: 'others' }],
    [`PATCH /groups/${everyone.id}`, { remove_users: [member.id] }],
    [`PATCH /groups/${everyone.id}`, { add_users: [member.id] }],
  ] as const)
    expect([line, (await callApi(server, line, { body })).status]).toEqual([line, 400])
  const changed = await client.groups.update({ params: { group: everyone.id }, body: { name: 'Everyone', quota_allowance: 1 } })
  expect(changed.quota_allowance).toBe(1)
})

test('members read the groups of their organization and change none; managers of users change them', async () => {
  verifies('groups:access')
  const group = await createGroup()
  const member = await createMember(server)
  expect(await member.client.groups.get({ params: { group: group.id } })).toEqual(group)
  expect(await member.client.groups.list({ params: { organization: group.organization_id } })).toContainEqual(group)
  const writes = [
    [`POST /organizations/${group.organization_id}/groups`, { name: uniqueName() }],
    [`PATCH /groups/${group.id}`, { quota_allowance: 9 }],
    [`DELETE /groups/${group.id}`, undefined],
  ] as const
  for (const [line, body] of writes)
    expect([line, (await callApi(server, line, { token: member.token, body })).status]).toEqual([line, 404])
  const { audit_logs } = await server.client.audit.list({ query: { q: `resource_id:${group.id} username:${member.username}`, limit: 9 } })
  expect(audit_logs.map(({ status_code }) => status_code)).toEqual([404, 404])
  await runSql(server, `update users set rbac_roles = '{user-admin}' where id = $1`, [member.id])
  for (const [line, body] of writes)
    expect([line, (await callApi(server, line, { token: member.token, body })).status < 300]).toEqual([line, true])
})

test('a group on the access list of a template opens the template to its members from the next request on', async () => {
  verifies('groups:template-access')
  const template = await createTemplate(server)
  const group = await createGroup()
  const member = await createMember(server)
  await runSql(server, 'update templates set group_acl = $2 where id = $1', [template.id, JSON.stringify({ [group.id]: ['read'] })])
  const read = async (): Promise<number> => (await callApi(server, `GET /templates/${template.id}`, { token: member.token })).status
  expect(await read()).toBe(404)
  await server.client.groups.update({ params: { group: group.id }, body: { add_users: [member.id] } })
  expect(await read()).toBe(200)
  await server.client.groups.delete({ params: { group: group.id } })
  expect(await read()).toBe(404)
})
