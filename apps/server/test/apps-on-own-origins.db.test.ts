import { once } from 'node:events'
import { verifies } from '@berth/requirements'
import type { PortShare } from '@berth/schema'
import { BlockList } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createAgent } from './fake-agent.ts'
import { build, createMember } from './factories.ts'
import { rawRequest, type RawAnswer, type RawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { createAppWorkspace, startApp, type RunningApp, type SeenByApp } from './start-app.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const KEY = 'coder_application_connect_api_key_35e783'
const COOKIE = 'coder_devurl_session_token'

let server: TestServer
let app: RunningApp
let workspace: string
let agentId: string
let token: string
let memberToken: string
beforeAll(async () => {
  const origins = new BlockList()
  origins.addSubnet('127.0.0.0', 8)
  const trustedProxies = { headers: ['cf-connecting-ip', 'x-forwarded-host'], origins }
  server = await startTestServer({ config: { wildcardAccessUrl: '*.apps.example.com', trustedProxies } })
  token = server.firstUser.token
  app = await startApp()
  const place = await createAppWorkspace(server, {
    apps: [
      { slug: 'own', url: `http://localhost:${app.port}/base` },
      { slug: 'query', url: `http://localhost:${app.port}?from=template` },
      { slug: 'shared', url: `http://localhost:${app.port}`, sharing_level: 'authenticated' },
      { slug: 'public', url: `http://localhost:${app.port}`, sharing_level: 'public' },
      { slug: 'reserved', url: 'http://localhost:8' },
    ],
  })
  workspace = place.workspace.name
  agentId = place.id
  memberToken = (await createMember(server)).token
})
afterAll(async () => {
  await server.stop()
  await app.stop()
})

const appsUrl = (): string => server.server.appsUrl ?? ''
const pathOf = (slug: string): string => `/@testuser/${workspace}/apps/${slug}/x?a=1`
const hostOf = (slug: string | number): string => `${slug}--main--${workspace}--testuser.apps.example.com`
const seenBy = ({ json }: RawAnswer): SeenByApp => json as SeenByApp

/** Asks a host for a path. */
async function ask(
  host: string,
  path = '/',
  { method = 'GET', headers, ...request }: RawRequest & { readonly method?: string } = {},
): Promise<RawAnswer> {
  return await rawRequest(server.url, `${method} /${path}`, { ...request, headers: { Host: host, ...headers } })
}

/** Follows a redirect as the browser does that holds `cookie`. */
async function follow({ headers }: RawAnswer, cookie: string): Promise<RawAnswer> {
  const to = new URL(headers.location ?? '', server.url)
  return await rawRequest(server.url, `GET /${to.pathname}${to.search}`, { headers: { Host: to.host, cookie } })
}

/** Signs in to an app on its own host. Returns the last answer, which sets the cookie. */
async function signIn(slug: string, session = token): Promise<RawAnswer> {
  const led = await follow(await ask(hostOf(slug), '/x?a=1'), `coder_session_token=${session}`)
  expect(led.status).toBe(307)
  return await follow(led, '')
}

const cookieOf = ({ headers }: RawAnswer): string => headers['set-cookie']?.[0]?.split(';')[0] ?? ''

describe('an app on a host of its own', () => {
  test('is opened by slug and by port', async () => {
    verifies('apps:subdomain')
    for (const name of ['own', app.port]) {
      const answer = await ask(hostOf(name), '/a%20b?x=%2F', { token, method: 'DELETE' })
      expect(answer.status).toBe(200)
      expect(seenBy(answer)).toMatchObject({ method: 'DELETE', url: `${name === 'own' ? '/base' : ''}/a%20b?x=%2F` })
      expect([answer.headers['x-coder-build-version'], answer.headers['set-cookie']]).toEqual([undefined, undefined])
    }
  })

  test('leads from nothing to the query of its URL', async () => {
    verifies('apps:subdomain')
    const { status, headers } = await ask(hostOf('query'), '/', { token })
    expect([status, headers.location]).toEqual([307, '/?from=template'])
  })

  test('on a reserved port is 400 in JSON', async () => {
    verifies('apps:subdomain')
    for (const name of [8, 'reserved'])
      expect(await ask(hostOf(name), '/', { token })).toMatchObject({
        status: 400,
        json: { message: expect.stringContaining('Coder reserves ports less than') },
      })
  })

  test.each([
    ['own', 200, 404, 307],
    ['shared', 200, 200, 307],
    ['public', 200, 200, 200],
    ['port', 200, 404, 307],
  ])('%s: its owner %i, another member %i, nobody %i', async (slug, owner, member, nobody) => {
    verifies('apps:sharing')
    verifies('apps:subdomain')
    const host = hostOf(slug === 'port' ? app.port : slug)
    const answers = [await ask(host, '/', { token }), await ask(host, '/', { token: memberToken }), await ask(host)]
    expect(answers.map(({ status }) => status)).toEqual([owner, member, nobody])
  })

  test.each([
    ['no other agent', (): string => `own--other--${workspace}--testuser`, 400, 'No agent exists with the name'],
    ['no other workspace', (): string => 'own--main--other--testuser', 404, 'not found'],
    ['no other user', (): string => `own--main--${workspace}--other`, 400, '&#34;user&#34; must be an existing uuid'],
  ])('there is %s', async (_, label, status, reason) => {
    verifies('plumbing:agent-parameter')
    const answer = await ask(`${label()}.apps.example.com`, '/', { token, headers: { Accept: 'text/html' } })
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(reason)])
  })

  test.each(['code', 'a--b--c', 'a--b--c--d--e', 'a---b--c--d', '0--main--dev--'])('the prefix %j is 400', async (label) => {
    verifies('apps:bad-prefix')
    const { status, headers, text } = await ask(`${label}.apps.example.com`)
    expect([status, headers['content-type']]).toEqual([400, 'text/html; charset=utf-8'])
    expect(text).toContain('Could not parse subdomain application URL')
  })

  test.each([
    'own--main--dev--testuser.example.com',
    'own--main--dev--testuser.apps.example.org',
    'x.own--main--dev--testuser.apps.example.com',
  ])('%s is a host like any other', async (host) => {
    verifies('apps:subdomain')
    expect((await ask(host, '/api/v2/buildinfo')).json).toHaveProperty('external_url')
  })

  test('without a wildcard, such a host reaches the API', async () => {
    verifies('apps:no-wildcard')
    const plain = await startTestServer()
    onTestFinished(async () => await plain.stop())
    const { json } = await rawRequest(plain.url, 'GET /buildinfo', { headers: { Host: hostOf('own') } })
    expect(json).toHaveProperty('external_url')
  })

  test('the address of the client comes before that of the proxy', async () => {
    verifies('apps:path')
    const { headers } = seenBy(
      await ask(hostOf('public'), '/', { headers: { 'Cf-Connecting-Ip': '203.0.113.9', 'X-Forwarded-Proto': 'https' } }),
    )
    expect([headers['x-forwarded-for'], headers['x-forwarded-proto'], headers['cf-connecting-ip']]).toEqual([
      '203.0.113.9,127.0.0.1',
      'https',
      undefined,
    ])
  })

  test('X-Forwarded-Host names the host where the settings say so, and only there', async () => {
    verifies('berth:apps:forwarded-host')
    const headers = { 'X-Forwarded-Host': hostOf('public') }
    expect(seenBy(await ask('inner.example.com', '/', { headers })).headers['x-forwarded-host']).toBe(hostOf('public'))
    const plain = await startTestServer({ config: { wildcardAccessUrl: '*.apps.example.com' } })
    onTestFinished(async () => await plain.stop())
    expect((await rawRequest(plain.url, 'GET /buildinfo', { headers })).json).toHaveProperty('external_url')
  })
})

describe('signing in to an app', () => {
  test('leads over the server to a cookie for the host of the app alone', async () => {
    verifies('apps:subdomain-login')
    verifies('berth:apps:host-keys')
    const asked = await ask(hostOf('own'), '/x?a=1')
    const to = new URL(asked.headers.location ?? '')
    expect([asked.status, to.origin, to.pathname]).toEqual([307, server.url, '/api/v2/applications/auth-redirect'])
    expect(to.searchParams.get('redirect_uri')).toBe(`http://${hostOf('own')}/x?a=1`)
    const { status, headers } = await signIn('own')
    expect([status, headers.location]).toEqual([307, '/x?a=1'])
    expect(headers['set-cookie']).toEqual([expect.stringMatching(new RegExp(`^${COOKIE}=[^;]+; Path=/; HttpOnly; SameSite=Lax$`))])
    const cookie = cookieOf({ headers } as RawAnswer)
    expect((await ask(hostOf('own'), '/', { headers: { cookie } })).status).toBe(200)
  })

  test('gives a key that opens nothing on another host', async () => {
    verifies('berth:apps:host-keys')
    const key = cookieOf(await signIn('own')).slice(COOKIE.length + 1)
    expect((await ask(hostOf('own'), '/', { token: key })).status).toBe(200)
    expect((await ask(hostOf('shared'), '/', { token: key })).status).toBe(307)
    expect((await ask(hostOf('shared'), '/', { headers: { cookie: `${COOKIE}=${key}` } })).status).toBe(307)
    expect((await rawRequest(server.url, `GET //@testuser/${workspace}/apps/own/`, { token: key })).status).toBe(307)
    expect((await rawRequest(server.url, 'GET /users/me', { token: key })).status).toBe(404)
  })

  test('hands each key over once, within a minute, and to the host that it is for', async () => {
    verifies('berth:apps:host-keys')
    const lead = async (): Promise<RawAnswer> => await follow(await ask(hostOf('own')), `coder_session_token=${token}`)
    const first = await lead()
    expect((await follow(first, '')).status).toBe(307)
    const again = await follow(first, '')
    expect([again.status, again.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8'])
    const { search } = new URL((await lead()).headers.location ?? '')
    expect((await ask(hostOf('shared'), `/${search}`)).status).toBe(400)
    const late = await lead()
    server.clock.advance(61_000)
    expect((await follow(late, '')).status).toBe(400)
    for (const nonsense of ['', 'x', Buffer.from('{"protected":1}').toString('base64url'), Buffer.from('null').toString('base64url')])
      expect((await ask(hostOf('own'), `/?${KEY}=${nonsense}`)).status).toBe(400)
  })

  test('twice does no harm to those who are signed in', async () => {
    verifies('berth:apps:host-keys')
    const cookie = cookieOf(await signIn('own'))
    const { status, headers } = await ask(hostOf('own'), `/x?${KEY}=old&a=1`, { headers: { cookie } })
    expect([status, headers.location]).toEqual([307, '/x?a=1'])
  })

  test.each(['//evil.example.com/', '/\\evil.example.com/'])('does not lead from %s to another host', async (path) => {
    verifies('berth:apps:host-keys')
    const cookie = cookieOf(await signIn('own'))
    const { headers } = await ask(hostOf('own'), `${path}?${KEY}=x`, { headers: { cookie } })
    expect(new URL(headers.location ?? '', `http://${hostOf('own')}`).host).toBe(hostOf('own'))
  })

  test('ends with the session', async () => {
    verifies('berth:apps:host-keys')
    const { session_token: session } = await server
      .clientFor()
      .sessions.login({ body: { email: 'testuser@coder.com', password: 'testpass' } })
    const cookie = cookieOf(await signIn('own', session))
    const socket = new WebSocket(server.url.replace('http', 'ws'), {
      headers: { Host: hostOf('own'), cookie, Origin: `http://${hostOf('own')}` },
    })
    await once(socket, 'open')
    const ended = once(socket, 'close')
    await server.clientFor(session).sessions.logout()
    await ended
    expect((await ask(hostOf('own'), '/', { headers: { cookie } })).status).toBe(307)
  })

  test('a page of another app cannot use the cookie', async () => {
    verifies('berth:apps:own-pages')
    const cookie = cookieOf(await signIn('own'))
    const socket = new WebSocket(server.url.replace('http', 'ws'), {
      headers: { Host: hostOf('own'), cookie, Origin: `http://${hostOf('shared')}` },
    })
    const [error] = await once(socket, 'error')
    expect(String(error)).toContain('307')
    const headers = { cookie, 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' }
    expect((await ask(hostOf('own'), '/', { headers })).status).toBe(307)
  })
})

describe('an app by its path, in a browser', () => {
  const BROWSER = { 'User-Agent': 'Mozilla/5.0', Accept: 'text/html' }

  /**
   * Opens an app on the server's own origin and goes where that leads, with the cookies of one
   * browser.
   */
  async function visit(slug: string, session: string | undefined): Promise<{ led: RawAnswer; cookie: string; opened: RawAnswer }> {
    const led = await rawRequest(server.url, `GET /${pathOf(slug)}`, {
      headers: { ...BROWSER, ...(session !== undefined && { cookie: `coder_session_token=${session}` }) },
    })
    const { origin, pathname, search } = new URL(led.headers.location ?? '', server.url)
    const key = await rawRequest(origin, `GET /${pathname}${search}`, { headers: BROWSER })
    const cookie = cookieOf(key)
    const opened = await rawRequest(appsUrl(), `GET /${pathOf(slug)}`, { headers: { ...BROWSER, cookie } })
    return { led, cookie, opened }
  }

  test('opens on an origin of its own, with a key for that origin', async () => {
    verifies('berth:apps:isolated')
    const { led, cookie, opened } = await visit('own', token)
    expect(led.status).toBe(307)
    expect(led.headers.location).toMatch(new RegExp(`^${appsUrl()}/@testuser/${workspace}/apps/own/x\\?a=1&${KEY}=`))
    expect(cookie).toMatch(new RegExp(`^${COOKIE}=`))
    expect([opened.status, seenBy(opened).url, opened.headers['content-security-policy']]).toEqual([200, '/base/x?a=1', undefined])
    const [row] = await runSql(server, 'select host from app_keys where key_id = $1', [cookie.slice(COOKIE.length + 1).slice(0, 10)])
    expect(row).toEqual({ host: new URL(appsUrl()).host })
  })

  test('never opens on the origin of the server, with or without a session', async () => {
    verifies('berth:apps:isolated')
    for (const headers of [BROWSER, { 'Sec-Fetch-Mode': 'navigate' }, { Accept: 'text/html' }, { Origin: server.url }, { Cookie: 'x=1' }]) {
      const { status, headers: answer } = await rawRequest(server.url, `GET /${pathOf('public')}`, { headers })
      expect([status, answer.location]).toEqual([307, `${appsUrl()}${pathOf('public')}`])
    }
  })

  test('leads nobody to the sign-in page, from either origin', async () => {
    verifies('berth:apps:isolated')
    const here = await rawRequest(server.url, `GET /${pathOf('own')}`, { headers: BROWSER })
    expect(here.headers.location).toMatch(/^\/login\?/)
    const there = await rawRequest(appsUrl(), `GET /${pathOf('own')}`, { headers: BROWSER })
    expect([there.status, there.headers.location]).toEqual([307, `${server.url}${pathOf('own')}`])
  })

  test('the session cookie, which browsers send to every port, opens nothing there', async () => {
    verifies('berth:apps:isolated')
    expect((await rawRequest(appsUrl(), `GET /${pathOf('own')}`, { headers: { cookie: `coder_session_token=${token}` } })).status).toBe(307)
  })

  test('of somebody else opens in a sandbox, because all apps share the origin', async () => {
    verifies('berth:apps:isolated')
    for (const session of [memberToken, undefined]) {
      const { opened } = await visit('public', session)
      expect([opened.status, opened.headers['content-security-policy']]).toEqual([
        200,
        expect.stringMatching(/^sandbox (?!.*allow-same-origin)/),
      ])
    }
    expect((await visit('own', memberToken)).led.status).toBe(404)
  })

  test('a program that brings its token is answered in place, in a sandbox for the case that it is a browser', async () => {
    verifies('berth:apps:isolated')
    const { status, headers } = await rawRequest(server.url, `GET /${pathOf('own')}`, { token })
    expect([status, headers['content-security-policy']]).toEqual([200, 'sandbox'])
    expect((await rawRequest(server.url, `GET /${pathOf('public')}`)).status).toBe(200)
  })

  test('there is nothing else on that origin', async () => {
    verifies('berth:apps:isolated')
    for (const target of ['/', '/api/v2/buildinfo', '/api/v2/users/me', '/login'])
      expect((await rawRequest(appsUrl(), `GET /${target}`, { token })).status).toBe(404)
  })

  test('opens nowhere if the default address is taken; an address that is given must be free', async () => {
    verifies('berth:apps:address')
    const taken = { host: '127.0.0.1', port: Number(new URL(server.url).port), setting: 'BERTH_APPS_ADDRESS' }
    const other = await startTestServer({ config: { apps: { ...taken, isGiven: false } } })
    onTestFinished(async () => await other.stop())
    expect(other.server.appsUrl).toBeUndefined()
    const template = { apps: [{ slug: 'own', url: `http://localhost:${app.port}` }] }
    const place = await createAppWorkspace(other, template)
    const shown = await rawRequest(other.url, `GET //@me/${place.workspace.name}/apps/own/`, {
      headers: { ...BROWSER, cookie: `coder_session_token=${other.firstUser.token}` },
    })
    expect([shown.status, shown.text]).toEqual([404, expect.stringContaining('BERTH_APPS_ACCESS_URL')])
    await expect(startTestServer({ config: { apps: { ...taken, isGiven: true } } })).rejects.toThrow(/is taken.*BERTH_APPS_ADDRESS/)
  })

  test('the server can be told to open none', async () => {
    verifies('berth:apps:isolated')
    const off = await startTestServer({ config: { pathApps: 'off', apps: undefined } })
    onTestFinished(async () => await off.stop())
    const { status, text } = await rawRequest(off.url, `GET /${pathOf('own')}`, { token: off.firstUser.token })
    expect([status, text]).toEqual([404, expect.stringContaining('BERTH_PATH_APPS')])
  })
})

/** What the port answers its owner, another member and nobody. */
async function statuses(): Promise<number[]> {
  const host = hostOf(app.port)
  return [await ask(host, '/', { token }), await ask(host, '/', { token: memberToken }), await ask(host)].map(({ status }) => status)
}

async function update(level: PortShare['sharing_level']): Promise<PortShare> {
  return await server.client.portShares.update({
    params: { workspaceagent: agentId, port: String(app.port) },
    body: { sharing_level: level },
  })
}

describe('a port that its owner shares', () => {
  test('is open to those whom the level names, until the owner ends it', async () => {
    verifies('berth:apps:port-shares')
    const url = `http://${hostOf(app.port)}:${new URL(server.url).port}/`
    expect(await update('authenticated')).toEqual({ port: app.port, sharing_level: 'authenticated', url })
    expect(await statuses()).toEqual([200, 200, 307])
    await update('public')
    expect(await statuses()).toEqual([200, 200, 200])
    const { shares } = await server.client.portShares.list({ params: { workspaceagent: agentId } })
    expect(shares).toEqual([{ port: app.port, sharing_level: 'public', url }])
    await update('owner')
    expect(await statuses()).toEqual([200, 404, 307])
    expect(await server.client.portShares.list({ params: { workspaceagent: agentId } })).toEqual({ shares: [] })
    const { audit_logs } = await server.client.audit.list({ query: { limit: 1, q: 'resource_type:workspace action:write' } })
    expect(audit_logs[0]).toMatchObject({
      resource_target: workspace,
      additional_fields: { port: String(app.port), sharing_level: 'owner' },
    })
  })

  test('ends the connections of the others when it is shared no more', async () => {
    verifies('berth:apps:port-shares')
    await update('public')
    const socket = new WebSocket(server.url.replace('http', 'ws'), { headers: { Host: hostOf(app.port) } })
    await once(socket, 'open')
    const ended = once(socket, 'close')
    await update('owner')
    expect(await ended).toEqual([1006, expect.anything()])
  })

  test('is shared by nobody else, and only while its workspace runs', async () => {
    verifies('berth:apps:port-shares')
    const body = { sharing_level: 'public' } as const
    const params = { workspaceagent: agentId, port: '3000' }
    await expect(server.clientFor(memberToken).portShares.update({ params, body })).rejects.toMatchObject({ status: 404 })
    for (const port of ['0', '8', '65536', 'x', '3000.0'])
      await expect(server.client.portShares.update({ params: { ...params, port }, body })).rejects.toMatchObject({ status: 400 })
    const place = await createAgent(server)
    const own = { params: { workspaceagent: place.id, port: '3000' }, body }
    await server.client.portShares.update(own)
    await build(server.client, place.workspace.id, 'start')
    await expect(server.client.portShares.update(own)).rejects.toMatchObject({ status: 409 })
    const { resources } = await server.client.builds.get({
      params: { workspacebuild: (await server.client.workspaces.get({ params: { workspace: place.workspace.id } })).latest_build.id },
    })
    const next = resources[0]?.agents?.[0]?.id ?? ''
    expect(await server.client.portShares.list({ params: { workspaceagent: next } })).toEqual({ shares: [] })
  })
})

describe('which agent', () => {
  test('a workspace without agents, or with several, is 400', async () => {
    verifies('plumbing:agent-parameter')
    const place = await createAgent(server)
    const several = await createAgent(server, {}, { resource: {} })
    await server.client.builds.create({ params: { workspace: place.workspace.id }, body: { transition: 'stop' } })
    await expect
      .poll(async () => (await rawRequest(server.url, `GET //@me/${place.workspace.name}/apps/own/`, { token })).text)
      .toContain('No agents exist')
    await runSql(
      server,
      `insert into workspace_agents (id, created_at, updated_at, resource_id, ordinal, name, hashed_auth_token, architecture, operating_system, connection_timeout_seconds, troubleshooting_url)
       select gen_random_uuid(), created_at, updated_at, resource_id, 1, 'second', '\\x00', architecture, operating_system, connection_timeout_seconds, troubleshooting_url
       from workspace_agents where id = $1`,
      [several.id],
    )
    const { status, json } = await rawRequest(server.url, `GET //@me/${several.workspace.name}/apps/own/`, { token })
    expect([status, json]).toEqual([
      400,
      expect.objectContaining({ message: expect.stringContaining('More than one agent exists, but no agent specified') }),
    ])
  })
})
