import { verifies } from '@berth/requirements'
import { Provider } from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Browser } from './browser.ts'
import { listen, type Listening } from './listen.ts'
import { rawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const PATH = '/api/v2/users/oidc/callback'
const HOUR_MS = 3_600_000

let listening: Listening
let server: TestServer

beforeAll(async () => {
  listening = await listen()
  server = await startTestServer({
    config: {
      oidcSignIn: {
        issuerUrl: listening.url,
        clientId: 'berth',
        clientSecret: 'a-secret-of-the-client',
        scopes: ['openid', 'profile', 'email', 'offline_access'],
        emailDomains: [],
        ignoreEmailVerified: false,
        allowSignups: true,
      },
    },
  })
  listening.answer(providerListener(`${server.url}${PATH}`))
}, 60_000)

afterAll(async () => {
  await server.stop()
  await listening.stop()
})

/**
 * Returns a real provider that requires PKCE. Every visitor is signed in and has agreed to
 * everything.
 */
function providerListener(redirectUri: string): Parameters<Listening['answer']>[0] {
  const provider = new Provider(listening.url, {
    clients: [
      {
        client_id: 'berth',
        client_secret: 'a-secret-of-the-client',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'picture'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['of-a-test'] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, preferred_username: id }),
    }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => true,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: 3600, RefreshToken: 86_400, Session: 86_400, Grant: 86_400, Interaction: 600, IdToken: 3600 },
  })
  const callback = provider.callback()
  const agree = async (...[request, response]: Parameters<typeof callback>): Promise<void> => {
    const accountId = 'margaret'
    const grant = new provider.Grant({ accountId, clientId: 'berth' })
    grant.addOIDCScope('openid profile email offline_access')
    const grantId = await grant.save()
    await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } })
  }
  return (request, response) => {
    if (request.url?.startsWith('/interaction/') === true) agree(request, response).catch(() => response.destroy())
    else void callback(request, response)
  }
}

test('a browser goes to a real provider and comes back signed in; the session lives as long as the provider renews it', async () => {
  verifies('oauth:oidc')
  verifies('oauth:renewal')
  const browser = new Browser()
  const start = `${server.url}${PATH}?redirect=/workspaces`
  const { answer, url } = await browser.follow(start, (next) => next.pathname === '/workspaces')
  expect(url).toContain(`${server.url}${PATH}?code=`)
  expect(answer).toMatchObject({ status: 307, headers: { location: '/workspaces' } })
  const token = browser.cookie(server.url, 'coder_session_token') ?? ''
  const me = await server.clientFor(token).users.get({ params: { user: 'me' } })
  expect(me).toMatchObject({ username: 'margaret', email: 'margaret@example.com' })

  const again = await browser.visit(url)
  expect(again.status).toBe(401)

  server.clock.advance(2 * HOUR_MS)
  const asked = async (): Promise<number> => (await rawRequest(server.url, 'GET /users/me', { token })).status
  expect(await Promise.all([asked(), asked(), asked()])).toEqual([200, 200, 200])

  listening.answer(
    (_request, response) => void response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error":"invalid_grant"}'),
  )
  expect(await asked()).toBe(200)
  server.clock.advance(2 * HOUR_MS)
  const refused = await rawRequest(server.url, 'GET /users/me', { token })
  expect(refused).toMatchObject({ status: 401, json: { message: 'Could not refresh expired Oauth token.' } })
})
