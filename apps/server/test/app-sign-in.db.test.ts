import { createHash } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { flattenedDecrypt, type FlattenedJWE } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { callApi, type ApiAnswer, type ApiCall } from './call-api.ts'
import { FIRST_USER, startTestServer, type TestServer } from './start-test-server.ts'
import { runSql } from './run-sql.ts'

const KEY = 'coder_application_connect_api_key_35e783'
const APP = 'http://8080--main--dev--testuser.apps.example.com/path?a=%20b&c'
const DAY_SECONDS = 86_400

let server: TestServer
let token: string
beforeAll(async () => {
  server = await startTestServer({ config: { wildcardAccessUrl: '*.apps.example.com' } })
})
afterAll(async () => await server.stop())
beforeEach(async () => {
  const { email, password } = FIRST_USER
  token = (await server.clientFor().sessions.login({ body: { email, password } })).session_token
})

async function come(redirectUri: string, call: ApiCall = { token }): Promise<ApiAnswer> {
  return await callApi(server, `GET /applications/auth-redirect?redirect_uri=${encodeURIComponent(redirectUri)}`, call)
}

/**
 * Follows the answer as the host of the app does: finds the key by its ID and decrypts it with its
 * stored hash.
 */
async function keyOf({ status, headers }: ApiAnswer): Promise<{ token: string; row: Record<string, unknown> }> {
  expect(status).toBe(307)
  const sealed = new URL(headers.location ?? '').searchParams.get(KEY) ?? ''
  const jwe = JSON.parse(Buffer.from(sealed, 'base64url').toString()) as FlattenedJWE
  const { kid } = JSON.parse(Buffer.from(jwe.protected ?? '', 'base64url').toString()) as { kid: string }
  const [row = {}] = await runSql(server, 'select * from api_keys where id = $1', [kid])
  const { plaintext, protectedHeader } = await flattenedDecrypt(jwe, row['hashed_secret'] as Buffer)
  expect(protectedHeader).toMatchObject({ alg: 'A256GCMKW', enc: 'A256GCM', zip: 'DEF' })
  const payload = JSON.parse(new TextDecoder().decode(plaintext)) as { api_key: string; expires_at: string }
  expectNear(payload.expires_at, 60)
  const [id, secret = ''] = payload.api_key.split('-')
  expect([id, createHash('sha256').update(secret).digest()]).toEqual([kid, row['hashed_secret']])
  return { token: payload.api_key, row }
}

function expectNear(time: string, secondsFromNow: number): void {
  const offMs = Date.parse(time) - server.clock.now().getTime() - secondsFromNow * 1000
  expect(Math.abs(offMs)).toBeLessThan(30_000)
}

test('whoever is signed in comes back with a key that opens apps and nothing else', async () => {
  verifies('apps:subdomain-login')
  const answer = await come(APP)
  expect(answer.headers.location).toMatch(
    new RegExp(`^http://8080--main--dev--testuser\\.apps\\.example\\.com/path\\?a=%20b&c&${KEY}=[\\w-]+$`),
  )
  const { token: key, row } = await keyOf(answer)
  const [session = {}] = await runSql(server, 'select * from api_keys where id = $1', [token.slice(0, 10)])
  const like = { user_id: server.firstUser.user_id, expires_at: session['expires_at'], lifetime_seconds: DAY_SECONDS }
  expect(row).toMatchObject({ ...like, login_type: 'password', scope: 'application_connect' })
  const app = server.clientFor(key)
  await expect(app.users.get({ params: { user: 'me' } })).rejects.toMatchObject({ status: 404 })
  const check = { object: { resource_type: 'application_connect', owner_id: server.firstUser.user_id }, action: 'create' } as const
  const read = { object: { resource_type: 'user' }, action: 'read' } as const
  expect(await app.authorization.check({ body: { checks: { connect: check, read } } })).toEqual({ connect: true, read: false })
})

test('the key is good for a week at most', async () => {
  const { key } = await server.client.sessions.createToken({ params: { user: 'me' }, body: { lifetime: 30 * DAY_SECONDS * 1e9 } })
  const { row } = await keyOf(await come(APP, { token: key }))
  expect(row['lifetime_seconds']).toBe(7 * DAY_SECONDS)
  expectNear(String(row['expires_at']), 7 * DAY_SECONDS)
})

test('the audit log tells of the key', async () => {
  const { row } = await keyOf(await come(APP))
  const { audit_logs } = await server.client.audit.list({ query: { limit: 1, q: 'resource_type:api_key' } })
  expect(audit_logs[0]).toMatchObject({ action: 'create', resource_target: row['id'] })
})

test('a key that came along is replaced, and the scheme is that of the deployment', async () => {
  const { headers } = await come(`https://code--main--dev--testuser.apps.example.com:444/?${KEY}=evil&x=1&%63${KEY.slice(1)}=evil#part`)
  const url = new URL(headers.location ?? '')
  expect([url.protocol, url.host, url.hash]).toEqual(['http:', 'code--main--dev--testuser.apps.example.com:444', '#part'])
  expect(url.searchParams.getAll(KEY)).toHaveLength(1)
  expect(url.search).toMatch(new RegExp(`^\\?x=1&${KEY}=(?!evil)`))
})

describe('nobody is sent elsewhere', () => {
  test.each([
    ['', 'missing'],
    ['nonsense', 'absolute'],
    ['/path', 'absolute'],
    ['//8080--main--dev--testuser.apps.example.com', 'absolute'],
    ['javascript://8080--main--dev--testuser.apps.example.com/%0aalert(1)', 'http'],
    ['https://user:password@8080--main--dev--testuser.apps.example.com', 'http'],
    ['https://example.com/', 'apps.example.com'],
    ['https://8080--main--dev--testuser.apps.example.com.evil.com/', 'apps.example.com'],
    ['https://evil.com/8080--main--dev--testuser.apps.example.com', 'apps.example.com'],
    ['https://evil.com\\.8080--main--dev--testuser.apps.example.com', 'apps.example.com'],
    ['https://dev.apps.example.com/', 'invalid application url format'],
    ['https://8080--dev--testuser.apps.example.com/', 'invalid application url format'],
    ['https://8080--main--dev--testuser--more.apps.example.com/', 'invalid application url format'],
  ])('redirect_uri %j is refused', async (uri, reason) => {
    verifies('apps:redirect-uri')
    const { status, json, headers } = await come(uri)
    expect([status, headers.location]).toEqual([400, undefined])
    expect(`${json.message} ${json.detail ?? ''}`).toContain(reason)
  })

  test('nor is it enough to leave it out', async () => {
    verifies('apps:redirect-uri')
    expect((await callApi(server, 'GET /applications/auth-redirect', { token })).status).toBe(400)
  })
})

describe('whoever is not signed in is led to the page for it, and from there back', () => {
  test.each([
    ['without a token', () => null],
    ['with a token that is none', () => 'nonsense'],
    ['with a token that nobody knows', () => `${'a'.repeat(10)}-${'b'.repeat(22)}`],
  ])('%s', async (_, sent) => {
    verifies('apps:subdomain-login')
    const { status, headers, text } = await come(APP, { token: sent() })
    const signedOut = 'You+are+signed+out+or+your+session+has+expired.+Please+sign+in+again+to+continue.'
    const path = `/api/v2/applications/auth-redirect?redirect_uri=${encodeURIComponent(APP)}`
    expect([status, headers.location, text]).toEqual([307, `/login?message=${signedOut}&redirect=${encodeURIComponent(path)}`, ''])
  })
})

test('a key for apps makes no other', async () => {
  const { token: key } = await keyOf(await come(APP))
  const { status, json } = await come(APP, { token: key })
  expect([status, json.message]).toEqual([404, 'Resource not found or you do not have access to this resource'])
})

test('without a pattern of hosts there is nothing to sign in to', async () => {
  const other = await startTestServer()
  try {
    for (const query of ['', `?redirect_uri=${encodeURIComponent(APP)}`])
      expect((await callApi(other, `GET /applications/auth-redirect${query}`)).status).toBe(404)
  } finally {
    await other.stop()
  }
})

test('using the key does not make it outlive its session, though the session lives on as long as it is used', async () => {
  verifies('apps:key-expiry')
  const { token: key, row } = await keyOf(await come(APP))
  const isKnown = async (sent: string): Promise<boolean> =>
    (await callApi(server, 'POST /authcheck', { token: sent, body: { checks: {} } })).status === 200
  for (let hours = 2; hours < 24; hours += 2) {
    server.clock.advance(2 * 3_600_000)
    expect([hours, await isKnown(key)]).toEqual([hours, true])
  }
  const [stored = {}] = await runSql(server, 'select expires_at from api_keys where id = $1', [row['id']])
  expect(stored['expires_at']).toEqual(row['expires_at'])
  expect(await isKnown(token)).toBe(true)
  server.clock.advance(3 * 3_600_000)
  expect([await isKnown(token), await isKnown(key)]).toEqual([true, false])
})

test('a token of a user with the scope of apps is extended by use, as every token is', async () => {
  verifies('apps:key-expiry')
  const { key } = await server.clientFor(token).sessions.createToken({
    params: { user: 'me' },
    body: { lifetime: DAY_SECONDS * 1e9, scope: 'application_connect' },
  })
  server.clock.advance(2 * 3_600_000)
  await server.clientFor(key).authorization.check({ body: { checks: {} } })
  const [stored = {}] = await runSql(server, 'select expires_at from api_keys where id = $1', [key.slice(0, 10)])
  expectNear(String(stored['expires_at']), DAY_SECONDS)
})
