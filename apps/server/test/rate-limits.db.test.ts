import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createMember, type Member } from './factories.ts'
import { FakeClock } from './fake-clock.ts'
import { rawRequest, type RawAnswer, type RawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const LIMIT = 10
const MINUTE_MS = 60_000

/** A clock that stands still, so that windows end when a test says so. */
class StandingClock extends FakeClock {
  #nowMs = Date.now()

  override now(): Date {
    return new Date(this.#nowMs)
  }

  override advance(ms: number): void {
    this.#nowMs += ms
  }

  /** The beginning of a minute before which two whole minutes have passed. */
  forget(): void {
    this.#nowMs = (Math.floor(this.#nowMs / MINUTE_MS) + 3) * MINUTE_MS
  }
}

const clock = new StandingClock()
let server: TestServer
let member: Member
beforeAll(async () => {
  server = await startTestServer({ clock, config: { apiRateLimit: LIMIT } })
  member = await createMember(server)
})
beforeEach(() => clock.forget())
afterAll(async () => await server.stop())

async function send(line: string, request: RawRequest = {}): Promise<RawAnswer> {
  return await rawRequest(server.url, line, request)
}

async function statuses(times: number, line: string, request: RawRequest = {}): Promise<number[]> {
  const result: number[] = []
  for (let round = 0; round < times; round++) result.push((await send(line, request)).status)
  return result
}

const times = (count: number, status: number): number[] => Array.from({ length: count }, () => status)

test('every response below the API states limit, remaining requests and the end of the window', async () => {
  verifies('wire:rate:headers')
  const end = String(clock.now().getTime() / 1000 + 60)
  const lines = [
    'GET /buildinfo',
    'GET /nothing',
    'DELETE /users/authmethods',
    'GET /workspaces/x',
    'GET /workspaceagents/me/metadata',
    'POST /users/first',
  ]
  for (const line of lines) {
    const { headers } = await send(line)
    expect([line, headers['x-ratelimit-limit'], headers['x-ratelimit-remaining'], headers['x-ratelimit-reset']]).toEqual([
      line,
      '10',
      '10',
      end,
    ])
  }
  expect((await send('GET /nothing')).headers['x-ratelimit-remaining']).toBe('9')
  expect((await send('GET //healthz')).headers['x-ratelimit-limit']).toBeUndefined()
})

test('a request above the limit is 429 with Retry-After and the envelope', async () => {
  verifies('wire:rate:refused')
  expect(await statuses(LIMIT, 'GET /buildinfo')).toEqual(times(LIMIT, 200))
  const { status, headers, json } = await send('GET /buildinfo')
  expect(status).toBe(429)
  expect(headers['retry-after']).toBe('60')
  expect(headers['x-ratelimit-remaining']).toBe('0')
  expect(json).toEqual({ message: `You've been rate limited for sending more than ${LIMIT} requests in 1m0s.` })
})

test('paths count apart, queries and hosts in the target do not', async () => {
  expect(await statuses(LIMIT, 'GET /buildinfo?a=1')).toEqual(times(LIMIT, 200))
  expect(await statuses(1, 'GET /buildinfo?a=2')).toEqual([429])
  expect(await statuses(1, 'GET /users/authmethods')).toEqual([200])
})

test('the window slides: the previous minute counts for the part of it that is not over', async () => {
  verifies('wire:rate:window')
  await statuses(LIMIT, 'GET /buildinfo')
  clock.advance(MINUTE_MS)
  expect(await statuses(1, 'GET /buildinfo')).toEqual([429])
  clock.advance(MINUTE_MS / 2)
  expect(await statuses(6, 'GET /buildinfo')).toEqual([...times(5, 200), 429])
  clock.forget()
  expect(await statuses(1, 'GET /buildinfo')).toEqual([200])
})

test('signed-in callers are counted by user, all others by address', async () => {
  verifies('rulings:rate-limit-by-user', 'rate:by-user-and-address')
  const { token } = server.firstUser
  const { key } = await server.client.sessions.createKey({ params: { user: 'me' } })
  // Two sessions of one user count together.
  expect(await statuses(LIMIT / 2, 'GET /users/me', { token })).toEqual(times(LIMIT / 2, 200))
  expect(await statuses(LIMIT / 2 + 1, 'GET /users/me', { token: key })).toEqual([...times(LIMIT / 2, 200), 429])
  // Another user at the same address and those who are nobody have counts of their own.
  expect(await statuses(1, 'GET /users/me', { token: member.token })).toEqual([200])
  expect(await statuses(LIMIT + 1, 'GET /users/me')).toEqual([...times(LIMIT, 401), 429])
  expect(await statuses(1, 'GET /users/me', { token: 'aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb' })).toEqual([429])
  expect(await statuses(1, 'GET /users/me', { token: member.token })).toEqual([200])
})

test('on an endpoint for anyone a signed-in caller is counted by user too, and an owner may bypass the limit', async () => {
  verifies('rulings:rate-limit-by-user', 'wire:rate:bypass')
  const { token } = server.firstUser
  for (const line of ['GET /buildinfo', 'GET /entitlements', 'GET /users/authmethods']) {
    expect(await statuses(LIMIT + 1, line)).toEqual([...times(LIMIT, 200), 429])
    expect(await statuses(1, line, { token: 'aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb' })).toEqual([429])
    expect(await statuses(LIMIT + 1, line, { token: member.token })).toEqual([...times(LIMIT, 200), 429])
    expect(await statuses(1, line, { token })).toEqual([200])
    expect(await statuses(LIMIT + 2, line, { token, headers: { 'X-Coder-Bypass-Ratelimit': 'true' } })).toEqual(times(LIMIT + 2, 200))
  }
})

test('signing in is counted by address, whatever token is sent along', async () => {
  verifies('rulings:rate-limit-by-user')
  const body = { email: 'nobody@example.com', password: 'guessed' }
  expect(await statuses(LIMIT, 'POST /users/login', { body })).toEqual(times(LIMIT, 401))
  expect(await statuses(1, 'POST /users/login', { body, token: member.token })).toEqual([429])
})

test('a header that claims another address changes nothing', async () => {
  await statuses(LIMIT, 'GET /buildinfo')
  for (const name of ['X-Forwarded-For', 'X-Real-IP', 'True-Client-IP', 'Forwarded'])
    expect(await statuses(1, 'GET /buildinfo', { headers: { [name]: '203.0.113.7' } })).toEqual([429])
})

test('the bypass header lifts the limit for an owner and is 428 for anyone else', async () => {
  verifies('wire:rate:bypass')
  const { token } = server.firstUser
  for (const spelling of ['true', '1', 'T'])
    expect(await statuses(LIMIT + 2, 'GET /users/me', { token, headers: { 'X-Coder-Bypass-Ratelimit': spelling } })).toEqual(
      times(LIMIT + 2, 200),
    )
  const { status, text, headers } = await send('GET /users/me', { token: member.token, headers: { 'X-Coder-Bypass-Ratelimit': 'true' } })
  expect([status, headers['content-type'], text]).toEqual([428, 'text/plain; charset=utf-8', 'Only owners may bypass the rate limit.\n'])
  for (const spelling of ['false', 'nonsense', ''])
    expect(await statuses(1, 'GET /users/me', { token: member.token, headers: { 'X-Coder-Bypass-Ratelimit': spelling } })).toEqual([200])
})

test('nobody who is not signed in bypasses anything', async () => {
  const headers = { 'X-Coder-Bypass-Ratelimit': 'true' }
  expect(await statuses(LIMIT + 1, 'GET /buildinfo', { headers })).toEqual([...times(LIMIT, 200), 429])
})

test('signing in and uploading have stricter limits of their own', async () => {
  const strict = await startTestServer({ clock, config: { apiRateLimit: 1000 } })
  try {
    clock.forget()
    const login = await rawRequest(strict.url, 'POST /users/login', { body: '{' })
    expect([login.status, login.headers['x-ratelimit-limit']]).toEqual([400, '60'])
    const answers = await Promise.all(
      Array.from({ length: 60 }, async () => await rawRequest(strict.url, 'POST /users/login', { body: '{' })),
    )
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    const { token } = strict.firstUser
    const headers = { 'Content-Type': 'application/x-tar' }
    for (let round = 0; round < 12; round++)
      expect((await rawRequest(strict.url, 'POST /files', { token, headers, body: 'x' })).status).toBe(round === 0 ? 201 : 200)
    expect((await rawRequest(strict.url, 'POST /files', { token, headers, body: 'x' })).status).toBe(429)
    // Who is nobody is refused as nobody, by the limit that holds everywhere.
    for (let round = 0; round < 14; round++) {
      const stranger = await rawRequest(strict.url, 'GET /files/abc')
      expect([stranger.status, stranger.headers['x-ratelimit-limit']]).toEqual([401, '1000'])
    }
  } finally {
    await strict.stop()
  }
})

test('a negative limit is none, and nothing is stated', async () => {
  const unlimited = await startTestServer({ config: { apiRateLimit: -1 } })
  try {
    const answers = await Promise.all(Array.from({ length: 100 }, async () => await rawRequest(unlimited.url, 'GET /buildinfo')))
    expect(answers.every(({ status, headers }) => status === 200 && headers['x-ratelimit-limit'] === undefined)).toBe(true)
  } finally {
    await unlimited.stop()
  }
})
