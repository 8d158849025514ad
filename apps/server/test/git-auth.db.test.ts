import { createEchoDriver, type Driver } from '@berth/provisioner'
import { verifies } from '@berth/requirements'
import type { Client } from '@berth/sdk'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { isSealed } from '../src/secrets/secret-box.ts'
import { eventually } from './eventually.ts'
import { createVersion } from './factories.ts'
import { connectAgent, createAgent } from './fake-agent.ts'
import { startGitHost, type GitHost } from './git-host.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const REPOSITORY = 'https://github.com/ada/engine'
const HOUR_SECONDS = 3_600

let host: GitHost
let server: TestServer
let agent: Client
beforeAll(async () => {
  host = await startGitHost()
  server = await startTestServer({
    config: {
      gitAuthProviders: [
        host.provider({ id: 'never', regex: /^https:\/\/github\.com\/ada/ }),
        host.provider(),
        host.provider({ id: 'validated', regex: /validated\.example/, validateUrl: `${host.url}/validate` }),
        host.provider({ id: 'unreachable', regex: /unreachable\.example/, validateUrl: 'http://127.0.0.1:1/' }),
        host.provider({ id: 'once', regex: /once\.example/, noRefresh: true }),
        host.provider({ id: 'lab', type: 'gitlab', regex: /lab\.example/ }),
        host.provider({ id: 'bucket', type: 'bitbucket', regex: /bucket\.example/ }),
        host.provider({ id: 'azure', type: 'azure-devops', regex: /azure\.example/ }),
      ],
    },
  })
  agent = (await createAgent(server)).client
})
afterAll(async () => {
  await server.stop()
  await host.stop()
})
beforeEach(async () => {
  await runSql(server, 'delete from git_auth_links')
  host.tokens = { hasRefresh: true, expiresIn: HOUR_SECONDS }
  host.validation = { status: 200, body: '' }
  host.tokenRequests.length = 0
  host.validations.length = 0
})

interface Visit {
  readonly status: number
  readonly location: string | null
  readonly cookies: readonly string[]
  readonly text: string
}

/** Opens the callback as a browser would. */
async function visit(
  query: string,
  options: { readonly id?: string; readonly cookies?: readonly string[]; readonly token?: string; readonly at?: TestServer } = {},
): Promise<Visit> {
  const { id = 'github', cookies = [], at = server } = options
  const { token = at.firstUser.token } = options
  const response = await fetch(`${at.url}/gitauth/${id}/callback${query}`, {
    redirect: 'manual',
    headers: { Cookie: [...(token === '' ? [] : [`coder_session_token=${token}`]), ...cookies].join('; ') },
  })
  const set = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '')
  return { status: response.status, location: response.headers.get('location'), cookies: set, text: await response.text() }
}

/** Goes to the provider and comes back, as a browser does. */
async function signIn(id = 'github', { redirect = '', at = server } = {}): Promise<Visit> {
  const there = await visit(redirect, { id, at })
  const state = new URL(there.location ?? '').searchParams.get('state') ?? ''
  return await visit(`?code=abc&state=${state}`, { id, at, cookies: there.cookies })
}

const get = async (url: string): Promise<unknown> => await agent.gitAuth.getOfAgent({ query: { url } })
const signInAt = (id: string): object => ({ username: '', password: '', url: `${server.url}/gitauth/${id}` })

test('a URL is asked for, and one of no provider is 404 with the URL in its message', async () => {
  verifies('agents:git-auth')
  await expect(agent.gitAuth.getOfAgent()).rejects.toMatchObject({ status: 400 })
  await expect(get('')).rejects.toMatchObject({ status: 400 })
  await expect(get('https://elsewhere.example/x')).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining('https://elsewhere.example/x') as string,
  })
  await expect(server.client.gitAuth.getOfAgent({ query: { url: REPOSITORY } })).rejects.toMatchObject({ status: 401 })
})

test('of several providers that fit, the last counts; without a token it is told where to sign in', async () => {
  verifies('agents:git-auth')
  expect(await get(REPOSITORY)).toEqual(signInAt('github'))
})

test('an agent is told how many providers there are', async () => {
  expect((await agent.agents.metadata()).git_auth_configs).toBe(8)
})

test('the way to the provider names client, scopes and the way back, and a state that only this browser has', async () => {
  const { status, location, cookies } = await visit('?redirect=/templates')
  expect(status).toBe(307)
  const url = new URL(location ?? '')
  expect(url.origin + url.pathname).toBe(`${host.url}/authorize`)
  const { state, ...rest } = Object.fromEntries(url.searchParams)
  expect(rest).toEqual({
    access_type: 'offline',
    client_id: 'berth',
    redirect_uri: `${server.url}/gitauth/github/callback`,
    response_type: 'code',
    scope: 'repo workflow',
  })
  expect(state).toMatch(/^[0-9a-f]{32}$/)
  expect(cookies).toContain(`oauth_state=${state}`)
})

test('the callback asks for a session, then for a state that is that of the browser', async () => {
  verifies('agents:git-auth')
  expect((await visit('', { token: '' })).status).toBe(401)
  expect((await visit('?code=abc&state=x', { token: '' })).status).toBe(401)
  expect((await visit('?code=abc')).status).toBe(400)
  const missing = await visit('?code=abc&state=x')
  expect([missing.status, missing.text]).toEqual([401, expect.stringContaining('Cookie \\"oauth_state\\" must be provided.')])
  expect((await visit('?code=abc&state=x', { cookies: ['oauth_state=y'] })).status).toBe(401)
  expect(host.tokenRequests).toEqual([])
})

test('a provider that nobody configured has no callback', async () => {
  expect(await visit('', { id: 'unknown', token: '' })).toMatchObject({ status: 404, location: null })
})

test('whoever comes back with a code is sent on, the first time and again, and agents have the newest token', async () => {
  verifies('agents:git-auth')
  expect(await signIn()).toMatchObject({ status: 307, location: '/gitauth' })
  const first = (await get(REPOSITORY)) as { username: string }
  expect(first).toEqual({ username: expect.stringMatching(/^token-\d+$/) as string, password: '', url: '' })
  expect(await signIn()).toMatchObject({ status: 307, location: '/gitauth' })
  expect(((await get(REPOSITORY)) as { username: string }).username).not.toBe(first.username)
  expect(host.tokenRequests[0]).toEqual({
    grant_type: 'authorization_code',
    code: 'abc',
    redirect_uri: `${server.url}/gitauth/github/callback`,
    client_id: 'berth',
    client_secret: 'client secret',
  })
})

test.each([
  ['?redirect=/templates', '/templates'],
  ['?redirect=//evil.example', '/gitauth'],
  ['?redirect=/%5Cevil.example', '/gitauth'],
  ['?redirect=https://evil.example', '/gitauth'],
])('after %s one is sent to %s', async (query, location) => {
  expect(await signIn('github', { redirect: query })).toMatchObject({ status: 307, location })
})

test('tokens are sealed in the database', async () => {
  verifies('berth:secrets:at-rest')
  await signIn()
  const [row] = await runSql(server, 'select sealed_access_token, sealed_refresh_token from git_auth_links')
  for (const sealed of Object.values(row ?? {}))
    expect(Buffer.isBuffer(sealed) && isSealed(sealed) && !sealed.includes('token-') && !sealed.includes('refresh-')).toBe(true)
})

test('a code that the provider refuses is 500 with its reason, and nothing is stored', async () => {
  host.tokens = { hasRefresh: false, isRefused: true }
  const { status, text } = await signIn()
  expect([status, JSON.parse(text)]).toEqual([
    500,
    { message: 'Failed to exchange the OAuth code.', detail: 'status 400: bad_verification_code: It has been used.' },
  ])
  expect(await get(REPOSITORY)).toEqual(signInAt('github'))
})

test('a token in the form that some hosts answer with, without expiry, is taken', async () => {
  host.tokens = { hasRefresh: false, isForm: true }
  await signIn()
  server.clock.advance(2 * HOUR_SECONDS * 1000)
  expect(await get(REPOSITORY)).toMatchObject({ username: expect.stringMatching(/^token-/) as string })
})

test('a token that the validation URL refuses is none; any other answer is 500 with what was said', async () => {
  verifies('agents:git-auth')
  await signIn('validated')
  expect(await get('https://validated.example/x')).toMatchObject({ username: expect.stringMatching(/^token-/) as string })
  expect(host.validations).toEqual([expect.stringMatching(/^Bearer token-\d+$/)])
  host.validation = { status: 401, body: '' }
  expect(await get('https://validated.example/x')).toEqual(signInAt('validated'))
  host.validation = { status: 403, body: 'Something went wrong!' }
  await expect(get('https://validated.example/x')).rejects.toMatchObject({
    status: 500,
    detail: 'git token validation failed: status 403: body: Something went wrong!',
  })
  await signIn('unreachable')
  await expect(get('https://unreachable.example/x')).rejects.toMatchObject({
    status: 500,
    detail: expect.stringContaining('git token validation failed: ') as string,
  })
})

test('an expired token is renewed once, however many ask, and what was renewed is kept', async () => {
  verifies('agents:git-auth')
  await signIn()
  host.tokenRequests.length = 0
  server.clock.advance((HOUR_SECONDS + 1) * 1000)
  const answers = await Promise.all(Array.from({ length: 5 }, async () => await get(REPOSITORY)))
  for (const answer of answers) expect(answer).toEqual(answers[0])
  expect(host.tokenRequests).toEqual([
    expect.objectContaining({ grant_type: 'refresh_token', refresh_token: expect.stringMatching(/^refresh-/) as string }),
  ])
  expect(await get(REPOSITORY)).toEqual(answers[0])
  expect(host.tokenRequests).toHaveLength(1)
})

test('an expired token that cannot be renewed is none: refused, without a refresh token, or by setting', async () => {
  verifies('agents:git-auth')
  await signIn()
  await signIn('once')
  server.clock.advance((HOUR_SECONDS + 1) * 1000)
  host.tokenRequests.length = 0
  expect(await get('https://once.example/x')).toEqual(signInAt('once'))
  expect(host.tokenRequests).toEqual([])
  host.tokens = { hasRefresh: true, isRefused: true }
  expect(await get(REPOSITORY)).toEqual(signInAt('github'))
  host.tokens = { hasRefresh: false, expiresIn: HOUR_SECONDS }
  await signIn()
  server.clock.advance((HOUR_SECONDS + 1) * 1000)
  expect(await get(REPOSITORY)).toEqual(signInAt('github'))
})

test.each([
  ['lab', 'oauth2'],
  ['bucket', 'x-token-auth'],
])('a token of %s goes with the name %s', async (id, username) => {
  await signIn(id)
  expect(await get(`https://${id}.example/x`)).toEqual({ username, password: expect.stringMatching(/^token-/) as string, url: '' })
})

test('each kind of host is asked for tokens in its own way', async () => {
  await signIn('bucket')
  expect(host.tokenRequests[0]).toEqual({
    authorization: `Basic ${Buffer.from('berth:client%20secret').toString('base64')}`,
    grant_type: 'authorization_code',
    code: 'abc',
    redirect_uri: `${server.url}/gitauth/bucket/callback`,
  })
  await signIn('azure')
  expect(host.tokenRequests[1]).toMatchObject({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: 'abc',
    client_assertion: 'client secret',
  })
})

/** Waits until a listener asks the provider whether the token is valid. */
async function hasLooked(): Promise<true> {
  const before = host.validations.length
  return await eventually(async () => host.validations.length > before || undefined)
}

test('an agent that listens is answered when its owner has signed in, with the token', async () => {
  verifies('agents:git-auth')
  const waiting = agent.gitAuth.getOfAgent({ query: { url: REPOSITORY, listen: '' } })
  await signIn()
  expect(await waiting).toEqual({ username: expect.stringMatching(/^token-/) as string, password: '', url: '' })
})

test('a listener that leaves is forgotten, and one that stays is told where to sign in when the server stops', async () => {
  const other = await startTestServer({ config: { gitAuthProviders: [host.provider({ validateUrl: `${host.url}/validate` })] } })
  const place = await createAgent(other)
  await signIn('github', { at: other })
  host.validation = { status: 401, body: '' }
  const leaving = new AbortController()
  const left = fetch(`${other.url}/api/v2/workspaceagents/me/gitauth?url=${REPOSITORY}&listen`, {
    headers: { 'Coder-Session-Token': place.token },
    signal: leaving.signal,
  })
  await hasLooked()
  leaving.abort()
  await expect(left).rejects.toThrow()
  const waiting = place.client.gitAuth.getOfAgent({ query: { url: REPOSITORY, listen: '' } })
  await hasLooked()
  const [answer] = await Promise.all([waiting, other.stop()])
  expect(answer).toEqual({ username: '', password: '', url: `${other.url}/gitauth/github` })
})

test('listeners and agents are let go as soon as the server stops, while a job is still ending', async () => {
  verifies('berth:server:shutdown-loses-nothing')
  const job = slowToEnd()
  const other = await startTestServer({
    config: { gitAuthProviders: [host.provider({ validateUrl: `${host.url}/validate` })] },
    drivers: [job.driver],
  })
  const place = await createAgent(other)
  await signIn('github', { at: other })
  host.validation = { status: 401, body: '' }
  await job.begin(other)
  const { closed } = await connectAgent(other, place.token)
  const waiting = place.client.gitAuth.getOfAgent({ query: { url: REPOSITORY, listen: '' } })
  await hasLooked()
  const stopped = other.stop()
  try {
    const [answer, end] = await Promise.all([waiting, closed])
    expect(answer).toEqual({ username: '', password: '', url: `${other.url}/gitauth/github` })
    expect(end).toEqual({ code: 1001, reason: 'the server is shutting down' })
    expect(job.hasEnded()).toBe(false)
  } finally {
    job.end()
    await stopped
  }
})

/**
 * Returns a driver for one job that ends when the test says so, even after the server has asked it
 * to end.
 */
function slowToEnd(): { driver: Driver; begin(at: TestServer): Promise<void>; end(): void; hasEnded(): boolean } {
  const echo = createEchoDriver()
  const ending = new AbortController()
  let isHeld = false
  let hasBegun = false
  let hasEnded = false
  return {
    driver: {
      ...echo,
      async parse(request) {
        if (!isHeld) return await echo.parse(request)
        hasBegun = true
        await new Promise((resolve) => ending.signal.addEventListener('abort', resolve, { once: true }))
        hasEnded = true
        throw new Error('ended')
      },
    },
    async begin(at) {
      isHeld = true
      await createVersion(at)
      await eventually(async () => hasBegun || undefined)
    },
    end: () => ending.abort(),
    hasEnded: () => hasEnded,
  }
}
