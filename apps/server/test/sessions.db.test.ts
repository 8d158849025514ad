import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildEnded, createMember, createTemplate, createWorkspace, type Member } from './factories.ts'
import { FakeClock } from './fake-clock.ts'
import { rawRequest, type RawAnswer } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { FIRST_USER, startTestServer, type TestServer } from './start-test-server.ts'

const SIGNED_OUT = 'You are signed out or your session has expired. Please sign in again to continue.'
const HOUR_MS = 3_600_000

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

async function login(body: unknown): Promise<RawAnswer> {
  return await rawRequest(server.url, 'POST /users/login', { body })
}

async function whoami(token: string): Promise<RawAnswer> {
  return await rawRequest(server.url, 'GET /users/me', { token })
}

describe('signing in', () => {
  test('the right password gives a token and the session cookie, with the e-mail address in any case', async () => {
    verifies('login:right')
    for (const email of [FIRST_USER.email, FIRST_USER.email.toUpperCase()]) {
      const { status, json, headers } = await login({ email, password: FIRST_USER.password })
      const { session_token } = json as { session_token: string }
      expect(status).toBe(201)
      expect(session_token).toMatch(/^[0-9A-Za-z]{10}-[0-9A-Za-z]{22}$/)
      expect(headers['set-cookie']).toContain(`coder_session_token=${session_token}; Path=/; HttpOnly; SameSite=Lax`)
      expect((await whoami(session_token)).json).toMatchObject({ username: FIRST_USER.username })
    }
  })

  test('an unknown address and a wrong password are told apart by nothing in the answer', async () => {
    verifies('login:wrong', 'rulings:login-tells-nothing')
    const wrong = await login({ email: FIRST_USER.email, password: 'wrong' })
    const unknown = await login({ email: 'nobody@example.com', password: FIRST_USER.password })
    expect([wrong.status, wrong.json]).toEqual([401, { message: 'Incorrect email or password.' }])
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text])
    expect(Object.keys(unknown.headers)).toEqual(Object.keys(wrong.headers))
  })

  test('a login needs an address and a password', async () => {
    const { status, json } = await login({ email: 'x' })
    expect([status, json]).toMatchObject([400, { validations: [{ field: 'email' }, { field: 'password' }] }])
  })

  test('a user who signs in elsewhere has no password that fits', async () => {
    const member = await createMember(server)
    await runSql(server, `update users set login_type = 'github', hashed_password = '' where id = $1`, [member.id])
    for (const password of ['', 'hunter2', 'testpass']) {
      const { status } = await login({ email: `${member.username}@example.com`, password })
      expect([400, 401]).toContain(status)
    }
  })

  test('the way to sign in is a password', async () => {
    expect(await server.clientFor().sessions.authMethods()).toEqual({ password: true, github: false, oidc: false })
  })

  test('a session lasts a day, a key for command lines a week', async () => {
    const { session_token } = await server.clientFor().sessions.login({ body: FIRST_USER })
    const { key } = await server.client.sessions.createKey({ params: { user: 'me' } })
    for (const [token, days] of [
      [session_token, 1],
      [key, 7],
    ] as const) {
      const [row] = await runSql(server, 'select lifetime_seconds, expires_at, created_at from api_keys where id = $1', [
        token.slice(0, 10),
      ])
      expect(row?.['lifetime_seconds']).toBe(days * 86_400)
      expect(Date.parse(String(row?.['expires_at'])) - Date.parse(String(row?.['created_at']))).toBe(days * 24 * HOUR_MS)
    }
  })

  test('what is stored of a key does not open anything', async () => {
    const { key } = await server.client.sessions.createKey({ params: { user: 'me' } })
    const [row] = await runSql(server, 'select * from api_keys where id = $1', [key.slice(0, 10)])
    expect(JSON.stringify(row)).not.toContain(key.slice(11))
  })

  test('a member makes no key for somebody else', async () => {
    const member = await createMember(server)
    const { status } = await rawRequest(server.url, `POST /users/${server.firstUser.user_id}/keys`, { token: member.token })
    expect(status).toBe(404)
  })
})

test('signing out is 200, clears the cookie, and ends this session and no other', async () => {
  verifies('logout')
  const { session_token } = await server.clientFor().sessions.login({ body: FIRST_USER })
  const { status, json, headers } = await rawRequest(server.url, 'POST /users/logout', { token: session_token })
  expect([status, json]).toEqual([200, { message: 'Logged out!' }])
  expect(headers['set-cookie']).toContain('coder_session_token=; Path=/; Max-Age=0')
  expect((await whoami(session_token)).status).toBe(401)
  expect((await whoami(server.firstUser.token)).status).toBe(200)
})

test('signing out ends the session of apps too, and clears the cookies that came along', async () => {
  verifies('logout:cookies')
  const { session_token } = await server.clientFor().sessions.login({ body: FIRST_USER })
  const { key: appToken } = await server.client.sessions.createToken({ params: { user: 'me' }, body: { scope: 'application_connect' } })
  const old = 'cccccccccc-dddddddddddddddddddddd'
  const Cookie = `coder_session_token=${session_token}; coder_devurl_session_token=${appToken}; session_token=${old}`
  const { status, headers } = await rawRequest(server.url, 'POST /users/logout', { headers: { Cookie, Origin: server.url } })
  expect(status).toBe(200)
  expect(headers['set-cookie']).toEqual(
    expect.arrayContaining([
      'coder_session_token=; Path=/; Max-Age=0',
      'coder_devurl_session_token=; Domain=.127.0.0.1; Path=/; Max-Age=0',
      'session_token=; Path=/; Max-Age=0',
    ]),
  )
  expect([(await whoami(session_token)).status, (await whoami(appToken)).status]).toEqual([401, 401])
  // What is no session of anybody is cleared, and no reason to fail.
  const { session_token: next } = await server.clientFor().sessions.login({ body: FIRST_USER })
  const odd = `coder_session_token=${next}; coder_devurl_session_token=${old}; session_token=odd`
  const again = await rawRequest(server.url, 'POST /users/logout', { headers: { Cookie: odd, Origin: server.url } })
  expect(again.status).toBe(200)
  expect(again.headers['set-cookie']).not.toContainEqual(expect.stringMatching(/^session_token/))
})

describe('a token', () => {
  test('is looked for in cookie, query, header and app cookie; the first that is not empty counts', async () => {
    verifies('wire:session:places')
    const owner = server.firstUser.token
    const member = await createMember(server)
    const bad = 'aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb'
    const ask = async (query: string, headers: Record<string, string>): Promise<unknown> => {
      const { status, json } = await rawRequest(server.url, `GET /users/me${query}`, { headers })
      return status === 200 ? (json as { username: string }).username : status
    }
    expect(await ask('', { Cookie: `a=b; coder_session_token=${owner}; c=d` })).toBe('testuser')
    expect(await ask(`?coder_session_token=${owner}`, {})).toBe('testuser')
    expect(await ask('', { 'coder-session-TOKEN': owner })).toBe('testuser')
    expect(await ask('', { Cookie: `coder_devurl_session_token=${owner}` })).toBe('testuser')
    expect(
      await ask(`?coder_session_token=${owner}`, { Cookie: `coder_session_token=${member.token}`, 'Coder-Session-Token': owner }),
    ).toBe(member.username)
    expect(await ask(`?coder_session_token=${member.token}`, { 'Coder-Session-Token': owner })).toBe(member.username)
    expect(await ask('', { Cookie: `coder_devurl_session_token=${member.token}`, 'Coder-Session-Token': owner })).toBe('testuser')
    expect(await ask('?coder_session_token=', { Cookie: 'coder_session_token=', 'Coder-Session-Token': owner })).toBe('testuser')
    expect(await ask('', { Cookie: `coder_session_token=${bad}`, 'Coder-Session-Token': owner })).toBe(401)
    expect(await ask('', { Authorization: `Bearer ${owner}` })).toBe(401)
  })

  test('that is missing, malformed, unknown or wrong is 401 with its own detail', async () => {
    verifies('wire:session:failures')
    const [id = ''] = server.firstUser.token.split('-')
    for (const [token, detail] of [
      ['', 'Cookie "coder_session_token" or query parameter must be provided.'],
      ['x', 'Invalid API key format: incorrect amount of API key parts, expected 2 got 1'],
      [randomUUID(), 'Invalid API key format: incorrect amount of API key parts, expected 2 got 5'],
      ['short-x', 'Invalid API key format: invalid API key ID length, expected 10 got 5'],
      ['aaaaaaaaaa-x', 'Invalid API key format: invalid API key secret length, expected 22 got 1'],
      ['aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb', 'API key is invalid.'],
      [`${id}-bbbbbbbbbbbbbbbbbbbbbb`, 'API key secret is invalid.'],
    ] as const) {
      const { status, json } = await whoami(token)
      expect([status, json]).toEqual([401, { message: SIGNED_OUT, detail }])
    }
  })

  test('with characters that no key has is 401', async () => {
    for (const token of [
      '%00%00%00%00%00%00%00%00%00%00-bbbbbbbbbbbbbbbbbbbbbb',
      '%F0%9F%98%80%F0%9F%98%80aaaaaa-bbbbbbbbbbbbbbbbbbbbbb',
      '%ff',
    ])
      expect((await rawRequest(server.url, `GET /users/me?coder_session_token=${token}`)).status).toBe(401)
  })

  test('that has expired says when', async () => {
    verifies('wire:session:failures')
    const { session_token } = await server.clientFor().sessions.login({ body: FIRST_USER })
    await runSql(server, `update api_keys set expires_at = '2022-12-19T10:00:00.12Z' where id = $1`, [session_token.slice(0, 10)])
    const { status, json } = await whoami(session_token)
    expect([status, json]).toEqual([401, { message: SIGNED_OUT, detail: 'API key expired at "2022-12-19T10:00:00.12Z".' }])
  })

  test('of a suspended or deleted user stops working at once', async () => {
    verifies('rulings:keys-of-inactive-users')
    const member: Member = await createMember(server)
    expect((await whoami(member.token)).status).toBe(200)
    await runSql(server, `update users set status = 'suspended' where id = $1`, [member.id])
    const suspended = await whoami(member.token)
    expect([suspended.status, suspended.json]).toEqual([
      401,
      { message: 'User is not active (status = "suspended"). Contact an admin to reactivate your account.' },
    ])
    const signIn = await login({ email: `${member.username}@example.com`, password: 'testpass' })
    expect([signIn.status, signIn.json]).toMatchObject([401, { message: expect.stringContaining('suspended') as string }])
    await runSql(server, `update users set status = 'active', deleted = true where id = $1`, [member.id])
    expect((await whoami(member.token)).json).toEqual({ message: SIGNED_OUT, detail: 'API key is invalid.' })
    expect((await login({ email: `${member.username}@example.com`, password: 'testpass' })).json).toEqual({
      message: 'Incorrect email or password.',
    })
  })

  test('of the scope application_connect opens nothing of the API', async () => {
    const member = await createMember(server)
    await runSql(server, `update api_keys set scope = 'application_connect' where id = $1`, [member.token.slice(0, 10)])
    expect((await whoami(member.token)).status).toBe(404)
    expect((await rawRequest(server.url, 'POST /users/me/keys', { token: member.token })).status).toBe(404)
  })
})

test('an agent token is read in the same places; a missing, malformed or unknown one is 401', async () => {
  verifies('wire:session:agent-token')
  const token = randomUUID()
  const template = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'dev', type: 'machine', agents: [{ name: 'main', token }] }] } }],
  })
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
  const ask = async (query: string, headers: Record<string, string>): Promise<number> =>
    (await rawRequest(server.url, `GET /workspaceagents/me/metadata${query}`, { headers })).status
  expect(await ask('', { 'Coder-Session-Token': token })).toBe(200)
  expect(await ask(`?coder_session_token=${token}`, {})).toBe(200)
  expect(await ask('', { Cookie: `coder_session_token=${token}` })).toBe(200)
  expect(await ask('', { Cookie: `coder_devurl_session_token=${token}` })).toBe(200)
  expect(await ask('', {})).toBe(401)
  expect(await ask('', { 'Coder-Session-Token': 'x' })).toBe(401)
  expect(await ask('', { 'Coder-Session-Token': randomUUID() })).toBe(401)
  expect(await ask('', { 'Coder-Session-Token': server.firstUser.token })).toBe(401)
  expect((await whoami(token)).status).toBe(401)
})

describe('a key in use', () => {
  const clock = new FakeClock()
  let moved: TestServer
  beforeAll(async () => {
    moved = await startTestServer({ clock, config: { secureAuthCookie: true } })
  })
  afterAll(async () => await moved.stop())

  test('moves its own expiry and notes its use at most hourly, and ends a day after the last one', async () => {
    verifies('wire:session:sliding', 'session:middleware')
    const { session_token } = await moved.clientFor().sessions.login({ body: FIRST_USER })
    const id = session_token.slice(0, 10)
    const use = async (): Promise<Record<string, unknown>> => {
      const { status } = await rawRequest(moved.url, 'GET /users/me', { token: session_token })
      const [row = {}] = await runSql(moved, 'select last_used, expires_at, host(ip_address::inet) as ip from api_keys where id = $1', [id])
      return { status, ...row }
    }
    const first = await use()
    expect(first).toMatchObject({ status: 200, ip: '127.0.0.1' })
    expect(Date.parse(String(first['last_used']))).toBeGreaterThan(0)
    clock.advance(HOUR_MS / 2)
    expect(await use()).toEqual(first)
    clock.advance(HOUR_MS)
    const later = await use()
    const [usedMs, expiryMs] = ['last_used', 'expires_at'].map((name) => Date.parse(String(later[name])) - Date.parse(String(first[name])))
    expect(usedMs).toBeGreaterThanOrEqual(1.5 * HOUR_MS)
    expect(expiryMs).toBeGreaterThanOrEqual(1.4 * HOUR_MS)
    for (let days = 0; days < 3; days++) {
      clock.advance(23 * HOUR_MS)
      expect(await use()).toMatchObject({ status: 200 })
    }
    clock.advance(25 * HOUR_MS)
    expect(await use()).toMatchObject({ status: 401 })
  })

  test('is sent over HTTPS only where the deployment says so', async () => {
    const { headers } = await rawRequest(moved.url, 'POST /users/login', { body: FIRST_USER })
    expect(headers['set-cookie']).toHaveLength(2)
    for (const cookie of headers['set-cookie'] ?? []) expect(cookie.endsWith('; HttpOnly; SameSite=Lax; Secure')).toBe(true)
  })

  test('a user who only signed in has never been seen, one who asked for something has', async () => {
    verifies('first-user:last-seen')
    const admin = (await moved.clientFor().sessions.login({ body: FIRST_USER })).session_token
    await moved.clientFor(admin).users.get({ params: { user: 'me' } })
    await createMember({ ...moved, client: moved.clientFor(admin) })
    const { users } = await moved.clientFor(admin).users.list()
    expect(users.map(({ username, last_seen_at }) => [username === 'testuser', last_seen_at.startsWith('0001')])).toEqual([
      [true, false],
      [false, true],
    ])
  })
})
