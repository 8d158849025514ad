import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcSignIn } from '../src/settings/sign-in-settings.ts'
import { Browser } from './browser.ts'
import { startFakeOidc, type FakeOidc } from './fake-oidc.ts'
import type { RawAnswer } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let oidc: FakeOidc
let server: TestServer
let strict: TestServer
let plain: TestServer

const PATH = '/api/v2/users/oidc/callback'
let subjects = 0

beforeAll(async () => {
  oidc = await startFakeOidc()
  server = await start({ ignoreEmailVerified: false })
  strict = await start({ emailDomains: ['Coder.com', 'kwc.io'], allowSignups: false })
  plain = await startTestServer()
}, 60_000)

afterAll(async () => {
  await Promise.all([server, strict, plain].map(async (one) => await one.stop()))
  await oidc.stop()
})

async function start(settings: Partial<OidcSignIn>): Promise<TestServer> {
  return await startTestServer({
    config: {
      oidcSignIn: {
        issuerUrl: oidc.url,
        clientId: 'berth',
        clientSecret: 'oidc-secret',
        scopes: ['openid', 'profile', 'email'],
        emailDomains: [],
        ignoreEmailVerified: false,
        allowSignups: true,
        ...settings,
      },
    },
  })
}

/** Comes back with an ID token that has these claims, or with none. */
async function comeBack(
  at: TestServer,
  claims: Readonly<Record<string, unknown>> | undefined,
  options: { browser?: Browser; isForged?: boolean; audience?: string } = {},
): Promise<RawAnswer> {
  const { browser = new Browser(), ...forgery } = options
  await browser.visit(`${at.url}${PATH}`)
  const state = browser.cookie(at.url, 'oauth_state') ?? ''
  const begun = await browser.visit(`${at.url}${PATH}`)
  const nonce = new URL(begun.headers.location ?? '').searchParams.get('nonce') ?? ''
  const current = browser.cookie(at.url, 'oauth_state') ?? ''
  expect(current).not.toBe(state)
  const sub = `subject-${subjects++}`
  const answer = claims === undefined ? {} : { id_token: await oidc.idToken({ sub, nonce, ...claims }, forgery) }
  return await browser.visit(`${at.url}${PATH}?code=${oidc.codeFor(answer)}&state=${current}`)
}

test.each([
  [{ email: 'kyle@kwc.io' }, 'kyle', 'kyle@kwc.io'],
  [{ email: 'ada@kwc.io', email_verified: true, preferred_username: 'countess' }, 'countess', 'ada@kwc.io'],
  [{ email: 'grace@kwc.io', preferred_username: 'hopper@kwc.io' }, 'hopper', 'grace@kwc.io'],
  [{ preferred_username: 'mary@kwc.io' }, 'mary', 'mary@kwc.io'],
  [{ email: 'jean@kwc.io', email_verified: 'false' }, 'jean', 'jean@kwc.io'],
])('the claims %j make the user %s with the address %s', async (claims, username, email) => {
  verifies('oauth:oidc')
  const browser = new Browser()
  expect(await comeBack(server, claims, { browser })).toMatchObject({ status: 307, headers: { location: '/' } })
  const client = server.clientFor(browser.cookie(server.url, 'coder_session_token') ?? '')
  expect(await client.users.get({ params: { user: 'me' } })).toMatchObject({ username, email })
})

test('the picture is taken', async () => {
  verifies('oauth:oidc')
  await comeBack(server, { email: 'pic@kwc.io', picture: '/picture.png' })
  expect((await server.client.users.get({ params: { user: 'pic' } })).avatar_url).toBe('/picture.png')
})

test.each([
  [{ email: 'unverified@kwc.io', email_verified: false }, 403],
  [{ email: 3 }, 400],
  [{}, 400],
  [{ email: 'no address' }, 400],
  [{ preferred_username: 'no-address' }, 400],
])('the claims %j are answered with %i', async (claims, status) => {
  verifies('oauth:oidc')
  expect(await comeBack(server, claims)).toMatchObject({ status })
})

test('an address of a foreign domain is 403; of an allowed one, in any case of its letters, it is closed sign-ups that are', async () => {
  verifies('oauth:oidc')
  expect(await comeBack(strict, { email: 'x@elsewhere.io' })).toMatchObject({
    status: 403,
    json: { message: expect.stringContaining('is not in domains') as string },
  })
  expect(await comeBack(strict, { email: 'x@CODER.COM' })).toMatchObject({
    status: 403,
    json: { message: 'Signups are not allowed for login type "oidc"' },
  })
})

test('a second identity with the same local part gets a name of its own', async () => {
  verifies('oauth:oidc-second-identity')
  await comeBack(server, { email: 'jon@one.io' })
  const browser = new Browser()
  await comeBack(server, { email: 'jon@two.io' }, { browser })
  const me = await server.clientFor(browser.cookie(server.url, 'coder_session_token') ?? '').users.get({ params: { user: 'me' } })
  expect(me.email).toBe('jon@two.io')
  expect(me.username).toMatch(/^jon-./)
})

test('the same subject is the same user, whatever its address is now', async () => {
  verifies('oauth:oidc-second-identity')
  await comeBack(server, { email: 'sam@one.io', sub: 'sam' })
  expect(await comeBack(server, { email: 'samuel@one.io', sub: 'sam' })).toMatchObject({ status: 307 })
  expect((await server.client.users.get({ params: { user: 'sam' } })).email).toBe('samuel@one.io')
})

test('where OIDC is not set up the answer is 428', async () => {
  verifies('oauth:oidc-broken')
  const message = 'oauth2 method requested is not configured'
  for (const path of [PATH, `${PATH}?code=x&state=y`, '/api/v2/users/oauth2/github/callback'])
    expect(await new Browser().visit(`${plain.url}${path}`)).toMatchObject({ status: 428, json: { message } })
})

test('an answer without an ID token, or with one that is forged, stale, of another audience or another browser is 400', async () => {
  verifies('oauth:oidc-broken')
  verifies('oauth:same-browser')
  const email = 'mallory@kwc.io'
  expect(await comeBack(server, undefined)).toMatchObject({ status: 400 })
  expect(await comeBack(server, { email }, { isForged: true })).toMatchObject({ status: 400 })
  expect(await comeBack(server, { email }, { audience: 'somebody-else' })).toMatchObject({ status: 400 })
  expect(await comeBack(server, { email, nonce: 'of-another-browser' })).toMatchObject({ status: 400 })
  const browser = new Browser()
  browser.setCookie(server.url, 'oauth_state', 'somestate')
  const garbage = await browser.visit(`${server.url}${PATH}?code=${oidc.codeFor({ id_token: 'nonsense' })}&state=somestate`)
  expect(garbage).toMatchObject({ status: 400 })
})

test('a code that the provider does not know is 500', async () => {
  verifies('oauth:oidc-broken')
  const browser = new Browser()
  browser.setCookie(server.url, 'oauth_state', 'somestate')
  expect(await browser.visit(`${server.url}${PATH}?code=unknown&state=somestate`)).toMatchObject({ status: 500 })
})
