import { verifies } from '@berth/requirements'
import type { ApiKey } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { createMember } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const DAY_SECONDS = 86_400
const DAY_NANOSECONDS = DAY_SECONDS * 1_000_000_000

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const idOf = (token: string): string => token.slice(0, 10)
const lifeOf = ({ created_at, expires_at }: ApiKey): number => (Date.parse(expires_at) - Date.parse(created_at)) / 1000

test('a token is listed with its id and expiry, works, and is gone when deleted', async () => {
  verifies('tokens:list', 'users:token', 'login:lifetimes', 'rulings:empty-list-is-array')
  const { client, id, token } = await createMember(server)
  const me = { params: { user: 'me' } }
  expect((await callApi(server, 'GET /users/me/keys/tokens', { token })).text).toBe('[]\n')
  const { key } = await client.sessions.createToken({ ...me, body: {} })
  expect(key).toMatch(/^[0-9A-Za-z]{10}-[0-9A-Za-z]{22}$/)
  const [listed, ...rest] = await client.sessions.listTokens(me)
  expect(rest).toEqual([])
  expect(listed).toMatchObject({ id: idOf(key), user_id: id, login_type: 'token', scope: 'all', lifetime_seconds: 30 * DAY_SECONDS })
  expect(listed === undefined ? 0 : lifeOf(listed)).toBe(30 * DAY_SECONDS)
  expect(JSON.stringify(listed)).not.toMatch(/hash|secret|ip_address/)
  const params = { user: 'me', keyid: idOf(key) }
  expect(await client.sessions.getKey({ params })).toEqual(listed)
  expect((await callApi(server, 'GET /users/me', { token: key })).status).toBe(200)
  const deleted = await callApi(server, `DELETE /users/me/keys/${idOf(key)}`, { token })
  expect([deleted.status, deleted.text]).toEqual([204, ''])
  expect(await client.sessions.listTokens(me)).toEqual([])
  expect((await callApi(server, 'GET /users/me', { token: key })).status).toBe(401)
  expect((await callApi(server, `DELETE /users/me/keys/${idOf(key)}`, { token })).status).toBe(404)
})

test('a login key lives a day, and is read by its id', async () => {
  verifies('login:lifetimes')
  const { id, token } = await createMember(server)
  const params = { user: id, keyid: idOf(token) }
  const key = await server.client.sessions.getKey({ params })
  expect(key).toMatchObject({ lifetime_seconds: DAY_SECONDS, login_type: 'password', scope: 'all' })
  expect(Date.parse(key.expires_at) - Date.parse(key.created_at)).toBe(DAY_SECONDS * 1_000)
})

test('a key for command lines is created for oneself, and is no token', async () => {
  verifies('tokens:key')
  const { client, token } = await createMember(server)
  const { key } = await client.sessions.createKey({ params: { user: 'me' } })
  expect((await callApi(server, 'GET /users/me', { token: key })).status).toBe(200)
  expect(await client.sessions.listTokens({ params: { user: 'me' } })).toEqual([])
  expect((await callApi(server, `GET /users/me/keys/${idOf(key)}`, { token })).json).toMatchObject({ lifetime_seconds: 7 * DAY_SECONDS })
})

test('the scope of a token is kept, and holds', async () => {
  verifies('tokens:scope')
  const { client } = await createMember(server)
  const { key } = await client.sessions.createToken({ params: { user: 'me' }, body: { scope: 'application_connect' } })
  expect(await client.sessions.getKey({ params: { user: 'me', keyid: idOf(key) } })).toMatchObject({ scope: 'application_connect' })
  expect((await callApi(server, 'GET /users/me', { token: key })).status).toBe(404)
  const open = await callApi(server, 'POST /users/me/keys/tokens', { body: { lifetime: 0, scope: '' } })
  const { json } = await callApi(server, `GET /users/me/keys/${idOf((open.json as { key: string }).key)}`)
  expect(json).toMatchObject({ scope: 'all' })
  const unknown = await callApi(server, 'POST /users/me/keys/tokens', { body: { scope: 'everything' } })
  expect([unknown.status, unknown.json.validations]).toMatchObject([400, [{ field: 'scope' }]])
})

test.each([
  [7 * DAY_NANOSECONDS, 7 * DAY_SECONDS],
  [1, 1],
  [1_500_000_000, 2],
  [0, 30 * DAY_SECONDS],
])('a lifetime of %d ns is kept as %d s', async (lifetime, seconds) => {
  verifies('tokens:lifetime')
  const { key } = await server.client.sessions.createToken({ params: { user: 'me' }, body: { lifetime } })
  const stored = await server.client.sessions.getKey({ params: { user: 'me', keyid: idOf(key) } })
  expect([stored.lifetime_seconds, lifeOf(stored)]).toEqual([seconds, seconds])
})

test('a lifetime above the maximum, or below nothing, is refused; the default keeps within the maximum', async () => {
  verifies('tokens:maximum')
  const own = await startTestServer({ config: { maxTokenLifetimeMs: 7 * DAY_SECONDS * 1000 } })
  const create = async (lifetime: number) => await callApi(own, 'POST /users/me/keys/tokens', { body: { lifetime } })
  expect((await create(6 * DAY_NANOSECONDS)).status).toBe(201)
  expect((await create(7 * DAY_NANOSECONDS)).status).toBe(201)
  const long = await create(8 * DAY_NANOSECONDS)
  expect([long.status, long.json.detail]).toEqual([400, 'lifetime must be less than 168h0m0s'])
  const negative = await create(-1)
  expect([negative.status, negative.json.detail]).toEqual([400, expect.stringContaining('positive')])
  const standard = (await create(0)).json as { key: string }
  const key = await own.client.sessions.getKey({ params: { user: 'me', keyid: idOf(standard.key) } })
  expect(key.lifetime_seconds).toBe(7 * DAY_SECONDS)
  await own.stop()
})

test('the body must be there and may be empty', async () => {
  verifies('tokens:body')
  expect((await callApi(server, 'POST /users/me/keys/tokens')).status).toBe(400)
  expect((await callApi(server, 'POST /users/me/keys/tokens', { body: {} })).status).toBe(201)
  expect((await callApi(server, 'POST /users/me/keys/tokens', { body: { lifetime: 'x' } })).status).toBe(400)
})

test('tokens of a user are listed, and keys read and deleted, on the path of that user only', async () => {
  verifies('rulings:tokens-of-that-user', 'rulings:keys-by-own-path')
  const [one, other] = [await createMember(server), await createMember(server)]
  const { key } = await one.client.sessions.createToken({ params: { user: 'me' }, body: {} })
  expect(await other.client.sessions.listTokens({ params: { user: 'me' } })).toEqual([])
  const listed = await server.client.sessions.listTokens({ params: { user: one.username } })
  expect(listed.map(({ id }) => id)).toEqual([idOf(key)])
  for (const [user, token] of [
    ['me', other.token],
    [one.id, other.token],
    ['me', server.firstUser.token],
    [other.id, server.firstUser.token],
  ] as const)
    for (const method of ['GET', 'DELETE'])
      expect((await callApi(server, `${method} /users/${user}/keys/${idOf(key)}`, { token })).status).toBe(404)
  for (const line of [`GET /users/${one.id}/keys/tokens`, `POST /users/${one.id}/keys/tokens`])
    expect((await callApi(server, line, { token: other.token, body: {} })).status).toBe(404)
  expect((await callApi(server, 'GET /users/me', { token: key })).status).toBe(200)
  expect((await callApi(server, `DELETE /users/${one.id}/keys/${idOf(key)}`)).status).toBe(204)
})

test('making and ending a token is recorded, and nothing of its secret', async () => {
  verifies('tokens:recorded')
  const { client, id } = await createMember(server)
  const { key } = await client.sessions.createToken({ params: { user: 'me' }, body: {} })
  await client.sessions.deleteKey({ params: { user: 'me', keyid: idOf(key) } })
  const entries = await runSql(
    server,
    `select action, user_id, resource_target, diff from audit_logs where resource_type = 'api_key' and resource_id = $1 order by time, id`,
    [id],
  )
  expect(entries).toMatchObject([
    { action: 'create', user_id: id, resource_target: idOf(key), diff: { login_type: { old: '', new: 'token' } } },
    { action: 'delete', user_id: id, resource_target: idOf(key), diff: { scope: { old: 'all', new: '' } } },
  ])
  expect(JSON.stringify(entries)).not.toContain(key.slice(11))
})
