import { randomBytes, randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { api, type EndpointSpec } from '@berth/schema'
import type { OutgoingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMember } from './factories.ts'
import { rawRequest, type RawAnswer } from './raw-request.ts'
import { FIRST_USER, startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let token: string
beforeAll(async () => {
  server = await startTestServer()
  const member = await createMember(server)
  token = member.token
})
afterAll(async () => await server.stop())

const REFUSED = {
  message:
    'The request comes from another site. Send it from a page of this deployment, or authenticate with the header "Coder-Session-Token".',
}

const writes = Object.values(api)
  .flatMap((group) => Object.values<EndpointSpec>(group))
  .filter(({ method, access }) => method !== 'GET' && access !== 'anyone' && access !== 'agent')
  // Signing out last: it ends the session that all others use.
  .sort((a, b) => Number(a.path.endsWith('/logout')) - Number(b.path.endsWith('/logout')))
  .map((spec) => `${spec.method} ${spec.path.replace(':user', 'me').replace(/:\w+/g, randomUUID())}`)

test('there are writes to walk over', () => {
  expect(writes.length).toBeGreaterThan(12)
})

describe.each(writes)('%s', (line) => {
  test.each<[string, OutgoingHttpHeaders]>([
    ['no sign of where it comes from', {}],
    ['an Origin of another site', { Origin: 'https://evil.example' }],
    ['an opaque Origin', { Origin: 'null' }],
    ['an Origin of another port', { Origin: 'http://127.0.0.1:1' }],
    ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site' }],
    ['a CSRF token without its cookie', { 'X-CSRF-TOKEN': randomBytes(32).toString('base64') }],
    ['an empty session header', { 'Coder-Session-Token': '' }],
    ['the session header of somebody else', { 'Coder-Session-Token': 'aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb' }],
  ])('by cookie and with %s is refused', async (_, headers) => {
    verifies('rulings:cookie-writes-same-origin')
    const { status, json } = await rawRequest(server.url, line, {
      headers: { Cookie: `coder_session_token=${token}`, ...headers },
      body: '{}',
    })
    expect([status, json]).toEqual([403, REFUSED])
  })

  test('by the cookie of apps it is refused just so', async () => {
    verifies('rulings:cookie-writes-same-origin')
    const headers = { Cookie: `coder_devurl_session_token=${token}`, Origin: 'https://evil.example' }
    expect((await rawRequest(server.url, line, { headers, body: '{}' })).json).toEqual(REFUSED)
  })

  test('by header it needs nothing of that kind, even from another site', async () => {
    verifies('rulings:header-writes-exempt')
    if (line.endsWith('/logout')) return
    const { status, json } = await rawRequest(server.url, line, { token, headers: { Origin: 'https://evil.example' }, body: '{}' })
    expect(status).not.toBe(401)
    expect(json).not.toEqual(REFUSED)
  })
})

describe.each([
  ['POST /users/login', { email: FIRST_USER.email, password: FIRST_USER.password }, 201],
  ['POST /users/first', { email: 'eve@example.com', username: 'eve', password: 'testpass' }, 409],
])('%s, which no session authenticates,', (line, body, otherwise) => {
  const send = async (headers: OutgoingHttpHeaders): Promise<RawAnswer> =>
    await rawRequest(server.url, line, { headers, body: JSON.stringify(body) })

  test.each<[string, OutgoingHttpHeaders]>([
    ['an Origin of another site', { Origin: 'https://evil.example' }],
    ['an opaque Origin', { Origin: 'null' }],
    ['an Origin of another port', { Origin: 'http://127.0.0.1:1' }],
    ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site' }],
  ])('is refused with %s, and sets no session', async (_, headers) => {
    verifies('rulings:sign-in-same-origin')
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      const answer = await send({ ...headers, 'Content-Type': type })
      expect([answer.status, answer.json]).toEqual([403, REFUSED])
      expect(answer.headers['set-cookie']?.join()).not.toContain('session_token')
    }
  })

  test.each<[string, () => OutgoingHttpHeaders]>([
    ['no sign of a page', () => ({})],
    ['the Origin of the server', () => ({ Origin: server.url })],
    ['Sec-Fetch-Site: same-origin', () => ({ Origin: server.url, 'Sec-Fetch-Site': 'same-origin' })],
    ['Sec-Fetch-Site: none', () => ({ 'Sec-Fetch-Site': 'none' })],
  ])('is admitted with %s', async (_, headers) => {
    verifies('rulings:sign-in-same-origin')
    expect((await send(headers())).status).toBe(otherwise)
  })
})

test('every endpoint for anyone that makes a session or a user is for own pages only', () => {
  verifies('rulings:sign-in-same-origin')
  const open = Object.values(api)
    .flatMap((group) => Object.values<EndpointSpec>(group))
    .filter(({ method, access, ownPagesOnly }) => method !== 'GET' && access === 'anyone' && ownPagesOnly !== true)
    .map(({ path }) => path)
  // Reports of browsers, and machines that prove who they are in the body.
  expect(open.filter((path) => path !== '/csp/reports' && !path.startsWith('/workspaceagents/'))).toEqual([])
})

/** Signs a new session out by cookie; `<token>` stands for its token. */
async function signOut(headers: OutgoingHttpHeaders, query = ''): Promise<number> {
  const session = await server.clientFor(server.firstUser.token).sessions.createKey({ params: { user: 'me' } })
  const cookie = `coder_session_token=${session.key}`
  const extra = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value).replace('<token>', session.key)]))
  const { status } = await rawRequest(server.url, `POST /users/logout${query.replace('<token>', session.key)}`, {
    headers: { ...extra, Cookie: headers['Cookie'] === undefined ? cookie : `${cookie}; ${String(headers['Cookie'])}` },
  })
  return status
}

describe('a write by cookie', () => {
  const pad = randomBytes(32)
  const secret = randomBytes(32)
  const masked = Buffer.concat([pad, secret.map((byte, index) => byte ^ (pad[index] ?? 0))]).toString('base64')
  const csrf = `csrf_token=${secret.toString('base64')}`

  test.each<[string, OutgoingHttpHeaders, number]>([
    ['Sec-Fetch-Site: same-origin', { 'Sec-Fetch-Site': 'same-origin' }, 200],
    ['the CSRF token of its cookie', { Cookie: csrf, 'X-CSRF-TOKEN': secret.toString('base64') }, 200],
    ['the CSRF token of its cookie, masked', { Cookie: csrf, 'X-CSRF-TOKEN': masked }, 200],
    ['another CSRF token', { Cookie: csrf, 'X-CSRF-TOKEN': randomBytes(32).toString('base64') }, 403],
    ['another masked CSRF token', { Cookie: csrf, 'X-CSRF-TOKEN': randomBytes(64).toString('base64') }, 403],
    ['an empty CSRF token', { Cookie: csrf, 'X-CSRF-TOKEN': '' }, 403],
    ['an empty CSRF token and an empty cookie', { Cookie: 'csrf_token=', 'X-CSRF-TOKEN': '' }, 403],
    ['its session token in the header too', { 'Coder-Session-Token': '<token>' }, 200],
  ])('with %s is answered %3$j', async (_, headers, status) => {
    verifies('rulings:cookie-writes-same-origin')
    expect(await signOut(headers)).toBe(status)
  })

  test('with its session token in the query too is admitted', async () => {
    verifies('rulings:cookie-writes-same-origin')
    expect(await signOut({}, '?coder_session_token=<token>')).toBe(200)
  })

  test('from a page of the server itself is admitted', async () => {
    verifies('rulings:cookie-writes-same-origin')
    expect(await signOut({ Origin: server.url })).toBe(200)
    expect(await signOut({ Origin: server.url, 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
  })

  test('needs none of it to read', async () => {
    const headers = { Cookie: `coder_session_token=${server.firstUser.token}`, Origin: 'https://evil.example' }
    expect((await rawRequest(server.url, 'GET /users/me', { headers })).status).toBe(200)
  })
})
