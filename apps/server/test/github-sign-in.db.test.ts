import { createHash } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GithubSignIn } from '../src/settings/sign-in-settings.ts'
import { Browser } from './browser.ts'
import { createMember, uniqueName } from './factories.ts'
import { startFakeGithub, type FakeGithub, type GithubPerson } from './fake-github.ts'
import type { RawAnswer } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let github: FakeGithub
const servers: TestServer[] = []
let open: TestServer
let closed: TestServer
let teams: TestServer

const PATH = '/api/v2/users/oauth2/github/callback'
let lastId = 1000

beforeAll(async () => {
  github = await startFakeGithub()
  open = await start({ allowedOrganizations: undefined })
  closed = await start({ allowedOrganizations: ['berth', 'harbour'], allowSignups: false })
  teams = await start({ allowedOrganizations: ['berth', 'harbour'], allowedTeams: ['berth/core', 'harbour/pilots'] })
}, 60_000)

afterAll(async () => {
  await Promise.all(servers.map(async (server) => await server.stop()))
  await github.stop()
})

async function start(settings: Partial<GithubSignIn>): Promise<TestServer> {
  const server = await startTestServer({
    config: {
      githubSignIn: {
        clientId: 'berth',
        clientSecret: 'github-secret',
        allowedOrganizations: ['berth'],
        allowedTeams: [],
        allowSignups: true,
        enterpriseBaseUrl: github.url,
        ...settings,
      },
    },
  })
  servers.push(server)
  return server
}

function person(fields: Partial<GithubPerson> = {}): GithubPerson {
  const login = uniqueName('octo')
  const emails = [{ email: `${login}@example.com`, primary: true, verified: true }]
  return { id: lastId++, login, emails, organizations: { berth: 'active' }, ...fields }
}

/** Comes back with a state that the browser knows. */
async function comeBack(server: TestServer, who: GithubPerson, browser = new Browser()): Promise<RawAnswer> {
  browser.setCookie(server.url, 'oauth_state', 'somestate')
  return await browser.visit(`${server.url}${PATH}?code=${github.codeOf(who)}&state=somestate`)
}

test('the sign-in methods name GitHub where it is set up', async () => {
  verifies('oauth:methods')
  expect(await open.clientFor().sessions.authMethods()).toEqual({ password: true, github: true, oidc: false })
})

test('a browser is sent to GitHub with a state, a challenge and the scopes, and its cookies are its own', async () => {
  verifies('oauth:github-signup')
  const browser = new Browser()
  const answer = await browser.visit(`${open.url}${PATH}?redirect=/templates`)
  expect(answer.status).toBe(307)
  const location = new URL(answer.headers.location ?? '')
  expect(location.href).toContain(`${github.url}/login/oauth/authorize?`)
  const state = browser.cookie(open.url, 'oauth_state') ?? ''
  expect(state).toHaveLength(32)
  const verifier = browser.cookie(open.url, 'oauth_verifier') ?? ''
  expect(Object.fromEntries(location.searchParams)).toEqual({
    response_type: 'code',
    client_id: 'berth',
    redirect_uri: `${open.url}${PATH}`,
    scope: 'read:user read:org user:email',
    access_type: 'offline',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const cookies = answer.headers['set-cookie']?.filter((line) => line.startsWith('oauth_')) ?? []
  expect(cookies).toHaveLength(3)
  for (const line of cookies) expect(line).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/)
})

test('a sign-up sets a session, takes address, name and picture, and goes to where the browser wanted', async () => {
  verifies('oauth:github-signup')
  const who = person({ avatar_url: 'https://pictures.example.com/1.png' })
  const browser = new Browser()
  const begun = await browser.visit(`${open.url}${PATH}?redirect=${encodeURIComponent('/templates?filter=mine')}`)
  const { state = '', code_challenge } = Object.fromEntries(new URL(begun.headers.location ?? '').searchParams)
  const answer = await browser.visit(`${open.url}${PATH}?code=${github.codeOf(who, code_challenge)}&state=${state}`)
  expect(answer).toMatchObject({ status: 307, headers: { location: '/templates?filter=mine' } })
  expect(browser.cookie(open.url, 'oauth_state')).toBeUndefined()
  const client = open.clientFor(browser.cookie(open.url, 'coder_session_token') ?? '')
  const user = await client.users.get({ params: { user: 'me' } })
  expect(user).toMatchObject({
    username: who.login,
    email: `${who.login}@example.com`,
    avatar_url: 'https://pictures.example.com/1.png',
    roles: [],
    organization_ids: [open.firstUser.organization_id],
  })
})

test('who has signed up comes again as the same user, with the address and picture of today', async () => {
  verifies('oauth:github-signup')
  const who = person()
  await comeBack(open, who)
  const browser = new Browser()
  const moved = {
    ...who,
    avatar_url: 'https://pictures.example.com/2.png',
    emails: [{ email: `new-${who.login}@example.com`, primary: true, verified: true }],
  }
  expect((await comeBack(open, moved, browser)).status).toBe(307)
  const user = await open.client.users.get({ params: { user: who.login } })
  expect(user).toMatchObject({ email: `new-${who.login}@example.com`, avatar_url: 'https://pictures.example.com/2.png' })
  const me = await open.clientFor(browser.cookie(open.url, 'coder_session_token') ?? '').users.get({ params: { user: 'me' } })
  expect(me.id).toBe(user.id)
})

test('an address that has changed hands does not hand over the account', async () => {
  verifies('oauth:github-refusals')
  const who = person()
  await comeBack(open, who)
  const heir = person({ emails: who.emails })
  expect(await comeBack(open, heir)).toMatchObject({ status: 403 })
})

test('a code does nothing without the verifier of the browser that set out', async () => {
  verifies('oauth:same-browser')
  const browser = new Browser()
  const begun = await browser.visit(`${open.url}${PATH}`)
  const { state = '', code_challenge } = Object.fromEntries(new URL(begun.headers.location ?? '').searchParams)
  browser.setCookie(open.url, 'oauth_verifier', 'of-somebody-else')
  expect((await browser.visit(`${open.url}${PATH}?code=${github.codeOf(person(), code_challenge)}&state=${state}`)).status).toBe(500)
})

test.each([
  ['code=x', 'somestate', 400, 'State must be provided.'],
  ['code=x&state=somestate', undefined, 401, 'Cookie "oauth_state" must be provided.'],
  ['code=x&state=somestate', 'other', 401, 'State mismatched.'],
  ['error=access_denied&state=somestate', 'somestate', 401, 'The sign-in provider refused the sign-in.'],
  ['code=nonsense&state=somestate', 'somestate', 500, 'Failed exchanging Oauth code.'],
])('?%s with the state %s is %i', async (query, state, status, message) => {
  verifies('oauth:github-refusals')
  const browser = new Browser()
  if (state !== undefined) browser.setCookie(open.url, 'oauth_state', state)
  expect(await browser.visit(`${open.url}${PATH}?${query}`)).toMatchObject({ status, json: { message } })
  expect(browser.cookie(open.url, 'coder_session_token')).toBeUndefined()
})

test.each([
  ['of a foreign organization', { organizations: { other: 'active' } }, 401],
  ['with a pending membership', { organizations: { berth: 'pending' } }, 401],
  ['of an organization that is spelled in another case', { organizations: { Berth: 'active' } }, 401],
  ['without an account', {}, 403],
] as const)('somebody %s may not sign in where sign-ups are closed', async (_name, fields, status) => {
  verifies('oauth:github-refusals')
  expect(await comeBack(closed, person(fields))).toMatchObject({ status })
})

test('an address that GitHub has not verified is 428', async () => {
  verifies('oauth:github-refusals')
  const emails = [{ email: 'unverified@example.com', primary: true, verified: false }]
  expect(await comeBack(open, person({ emails }))).toMatchObject({ status: 428 })
})

test('who has a password signs in with it', async () => {
  verifies('oauth:github-refusals')
  const { username } = await createMember(closed)
  const emails = [{ email: `${username.toUpperCase()}@example.com`, primary: true, verified: true }]
  expect(await comeBack(closed, person({ emails }))).toMatchObject({
    status: 403,
    json: { message: expect.stringContaining('Incorrect login type') as string },
  })
})

test.each([
  ['the first organization', { organizations: { berth: 'active' }, teams: ['berth/core'] }, 307],
  ['the second organization', { organizations: { harbour: 'active' }, teams: ['harbour/pilots'] }, 307],
  ['none', { organizations: { berth: 'active', harbour: 'active' }, teams: [] }, 401],
  ['an organization that somebody is not in any more', { organizations: { berth: 'active' }, teams: ['harbour/pilots'] }, 401],
  ['an organization with a pending membership', { organizations: { berth: 'pending' }, teams: ['berth/core'] }, 401],
] as const)('with the allowed team of %s the answer to a sign-in is %s', async (_name, fields, status) => {
  verifies('oauth:github-allowed')
  expect(await comeBack(teams, person(fields))).toMatchObject({ status })
})

test('who is suspended cannot come back', async () => {
  verifies('oauth:github-refusals')
  const who = person()
  await comeBack(open, who)
  await open.client.users.suspend({ params: { user: who.login } })
  expect(await comeBack(open, who)).toMatchObject({ status: 401 })
})

test('who was deleted comes as somebody new', async () => {
  verifies('oauth:github-signup')
  const who = person()
  await comeBack(open, who)
  const before = await open.client.users.get({ params: { user: who.login } })
  await open.client.users.delete({ params: { user: before.id } })
  expect(await comeBack(open, who)).toMatchObject({ status: 307 })
  expect((await open.client.users.get({ params: { user: who.login } })).id).not.toBe(before.id)
})

test.each(['https://elsewhere.example.com/', '//elsewhere.example.com', '/\\elsewhere.example.com', 'javascript:alert(1)'])(
  'nobody is led to %s after signing in',
  async (redirect) => {
    verifies('oauth:redirect')
    const browser = new Browser()
    await browser.visit(`${open.url}${PATH}?redirect=${encodeURIComponent(redirect)}`)
    expect(browser.cookie(open.url, 'oauth_redirect')).toBe('/')
    browser.setCookie(open.url, 'oauth_redirect', redirect)
    expect((await comeBack(open, person(), browser)).headers.location).toBe('/')
  },
)

test('of what GitHub hands out the database holds nothing in clear', async () => {
  verifies('oauth:github-signup')
  const who = person()
  await comeBack(open, who)
  const [row = {}] = await runSql(open, 'select * from user_links where linked_id = $1', [String(who.id)])
  const { sealed_access_token, sealed_refresh_token, expires_at } = row
  expect(Buffer.isBuffer(sealed_access_token) && sealed_access_token.includes('token-of-')).toBe(false)
  expect([Buffer.isBuffer(sealed_access_token), sealed_refresh_token, expires_at]).toEqual([true, null, null])
})
