import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMember } from './factories.ts'
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
