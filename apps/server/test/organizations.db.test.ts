import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMember, uniqueName } from './factories.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const NOT_FOUND = { message: 'Resource not found or you do not have access to this resource' }

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

test('the first user is in exactly one organization, named like the user', async () => {
  verifies('organizations:of-user')
  const list = await server.client.organizations.listOfUser({ params: { user: 'me' } })
  expect(list).toMatchObject([{ id: server.firstUser.organization_id, name: 'testuser' }])
  expect(list).toHaveLength(1)
})

test('an organization is read by id and by name in any case; an unknown one is 404', async () => {
  verifies('organizations:get')
  const { id, name } = await server.client.organizations.get({ params: { organization: server.firstUser.organization_id } })
  for (const organizationname of [name, name.toUpperCase()])
    expect(await server.client.organizations.getOfUserByName({ params: { user: 'me', organizationname } })).toMatchObject({ id, name })
  const { token } = server.firstUser
  expect((await rawRequest(server.url, 'GET /users/me/organizations/nothing', { token })).json).toEqual(NOT_FOUND)
  expect((await rawRequest(server.url, `GET /organizations/${randomUUID()}`, { token })).json).toEqual(NOT_FOUND)
})

test('a foreign organization is 404 by id and by name, and not in the list of its own members as others see it', async () => {
  verifies('organizations:get', 'rulings:empty-list-is-array')
  const member = await createMember(server)
  const foreign = randomUUID()
  await runSql(server, `insert into organizations (id, name, created_at, updated_at) values ($1, 'foreign', now(), now())`, [foreign])
  await runSql(
    server,
    `insert into organization_members (organization_id, user_id, roles, created_at, updated_at) values ($1, $2, '{}', now(), now())`,
    [foreign, server.firstUser.user_id],
  )
  for (const path of [`/organizations/${foreign}`, '/users/me/organizations/foreign', '/users/testuser/organizations/foreign'])
    expect((await rawRequest(server.url, `GET ${path}`, { token: member.token })).json).toEqual(NOT_FOUND)
  const seen = await member.client.organizations.listOfUser({ params: { user: 'testuser' } })
  expect(seen.map(({ id }) => id)).toEqual([server.firstUser.organization_id])
  const own = await server.client.organizations.listOfUser({ params: { user: 'me' } })
  expect(own.map(({ id }) => id)).toEqual([server.firstUser.organization_id, foreign])
  await runSql(server, 'delete from organization_members where user_id = $1', [member.id])
  const { text } = await rawRequest(server.url, 'GET /users/me/organizations', { token: member.token })
  expect(text).toBe('[]\n')
})

test('an organization is created by an owner, who is its first member; a taken name is 409 in any case', async () => {
  verifies('organizations:create')
  const name = uniqueName('org')
  const created = await server.client.organizations.create({ body: { name } })
  expect(await server.client.organizations.get({ params: { organization: created.id } })).toEqual(created)
  const { organization_roles } = await server.client.users.getRoles({ params: { user: 'me' } })
  expect(organization_roles[created.id]).toEqual([`organization-member:${created.id}`])
  const { token } = server.firstUser
  for (const taken of [name, name.toUpperCase(), 'testuser']) {
    const { status, json } = await rawRequest(server.url, 'POST /organizations', { token, body: { name: taken } })
    expect([status, json]).toMatchObject([409, { validations: [{ field: 'name' }] }])
  }
  const bad = await rawRequest(server.url, 'POST /organizations/', { token, body: { name: 'not a name' } })
  expect([bad.status, bad.json]).toMatchObject([400, { validations: [{ field: 'name' }] }])
  const entries = await runSql(server, `select action, user_id, status_code from audit_logs where resource_id = $1`, [created.id])
  expect(entries).toEqual([{ action: 'create', user_id: server.firstUser.user_id, status_code: 201 }])
})

test('of many at once with one name, one organization is created', async () => {
  verifies('organizations:create')
  const name = uniqueName('race')
  const { token } = server.firstUser
  const answers = await Promise.all(
    Array.from({ length: 5 }, async () => await rawRequest(server.url, 'POST /organizations', { token, body: { name } })),
  )
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409])
})

test('a member creates no organization: 403, whatever the body is', async () => {
  verifies('organizations:create-by-member')
  const { token } = await createMember(server)
  const { status, json } = await rawRequest(server.url, 'POST /organizations', { token, body: '{' })
  expect([status, json]).toEqual([403, { message: 'Forbidden.' }])
})
