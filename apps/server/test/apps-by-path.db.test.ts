import { EventEmitter, once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer as createTcpServer, connect, type AddressInfo } from 'node:net'
import { request as httpRequest } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createMember } from './factories.ts'
import { rawRequest, type RawAnswer, type RawRequest } from './raw-request.ts'
import { createAppWorkspace, startApp, type RunningApp, type SeenByApp } from './start-app.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let app: RunningApp
let streaming: RunningApp
let workspace: string
let memberToken: string
beforeAll(async () => {
  server = await startTestServer({ config: { pathApps: 'same-origin', apps: undefined } })
  app = await startApp()
  streaming = await startApp((request, response) => {
    if (request.url === '/echo') return void request.pipe(response)
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write('data: first\n\n')
    response.on('close', () => leaving.emit('left'))
    return undefined
  })
  const place = await createAppWorkspace(server, {
    apps: [
      { slug: 'own', url: `http://localhost:${app.port}` },
      { slug: 'base', url: `http://127.0.0.1:${app.port}/base?from=template` },
      { slug: 'shared', url: `http://localhost:${app.port}`, sharing_level: 'authenticated' },
      { slug: 'public', url: `http://localhost:${app.port}`, sharing_level: 'public' },
      { slug: 'stream', url: `http://localhost:${streaming.port}` },
      { slug: 'dead', url: 'http://localhost:9' },
      { slug: 'reserved', url: 'http://localhost:8' },
      { slug: 'none', url: '' },
      { slug: 'mail', url: 'mailto:me@example.com' },
    ],
  })
  workspace = place.workspace.name
  memberToken = (await createMember(server)).token
})
afterAll(async () => {
  await server.stop()
  await app.stop()
  await streaming.stop()
})

/** Tells when the client of a stream has left. */
const leaving = new EventEmitter()

/** Asks for a path below the workspace's apps; `null` is nobody. */
async function open(
  rest: string,
  {
    token = server.firstUser.token,
    method = 'GET',
    ...request
  }: Omit<RawRequest, 'token'> & { token?: string | null; method?: string } = {},
): Promise<RawAnswer> {
  return await rawRequest(server.url, `${method} //@testuser/${workspace}/apps/${rest}`, { ...request, ...(token !== null && { token }) })
}

const seenBy = ({ json }: RawAnswer): SeenByApp => json as SeenByApp

describe('an app by its path', () => {
  test('gets method, path, query, headers and body as the client wrote them, and its answer goes back', async () => {
    verifies('apps:path')
    const answer = await open('base/a%2Fb//c?x=%20&y', {
      method: 'PUT',
      body: 'hello',
      headers: { 'X-Odd-CASE': 'kept', 'Content-Type': 'text/plain' },
    })
    expect(answer.status).toBe(200)
    expect(seenBy(answer)).toMatchObject({ method: 'PUT', url: '/base/a%2Fb//c?x=%20&y', body: 'hello' })
    expect(seenBy(answer).raw).toEqual(expect.arrayContaining(['X-Odd-CASE', 'kept']))
    expect(seenBy(answer).headers['host']).toBe(new URL(server.url).host)
  })

  test.each(['testuser', 'me', 'TestUser'])('is found below %s, with @ and with %40', async (user) => {
    verifies('apps:path')
    for (const at of ['@', '%40'])
      expect(
        (await rawRequest(server.url, `GET //${at}${user}/${workspace}.main/apps/own/`, { token: server.firstUser.token })).status,
      ).toBe(200)
  })

  test('without a slash at its end leads to one, and with nothing else to the query of its URL', async () => {
    verifies('apps:path')
    const base = `/@testuser/${workspace}/apps/base`
    const [bare, root] = [await open('base'), await open('base/')]
    expect([bare.status, bare.headers.location]).toEqual([307, `${base}/`])
    expect([root.status, root.headers.location]).toEqual([307, `${base}/?from=template`])
  })

  test('nobody is led to the sign-in page and from there back', async () => {
    verifies('apps:path')
    for (const user of ['me', 'testuser']) {
      const path = `/@${user}/${workspace}/apps/own/?a=b`
      const { status, headers } = await rawRequest(server.url, `GET /${path}`)
      expect(status).toBe(307)
      const to = new URL(headers.location ?? '', server.url)
      expect([to.pathname, [...to.searchParams.keys()], to.searchParams.get('redirect')]).toEqual(['/login', ['message', 'redirect'], path])
    }
  })

  test('that is down is a page with 502, which says what to do', async () => {
    verifies('apps:path')
    const { status, headers, text } = await open('dead/')
    expect([status, headers['content-type']]).toEqual([502, 'text/html; charset=utf-8'])
    expect(text).toContain('Nothing listens on port 9')
    expect(text).toContain('then load this page again')
  })

  test.each([
    ['missing/', 404, 'you can&#39;t open it'],
    ['none/', 400, 'The app has no URL'],
    ['mail/', 400, 'mailto:'],
  ])('%s is a page with %i', async (rest, status, reason) => {
    verifies('apps:path')
    const answer = await open(rest)
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8'])
    expect(answer.text).toContain(reason)
  })

  test('on a reserved port is 400 in JSON', async () => {
    verifies('apps:subdomain')
    const { status, json } = await open('reserved/')
    expect([status, json]).toEqual([400, expect.objectContaining({ message: expect.stringContaining('Coder reserves ports less than') })])
  })

  test.each([
    [`/@nobody/x/apps/own/`, 400, '"user" must be an existing uuid or username.'],
    [`/@testuser/nothing/apps/own/`, 404, 'Resource not found or you do not have access to this resource'],
    [`/@testuser/%00/apps/own/`, 404, 'Resource not found or you do not have access to this resource'],
    [`/@testuser/%/apps/own/`, 400, 'not percent-encoded correctly'],
  ])('%s is %i', async (path, status, message) => {
    verifies('apps:path')
    const answer = await rawRequest(server.url, `GET /${path}`, { token: server.firstUser.token })
    expect([answer.status, answer.json]).toEqual([status, expect.objectContaining({ message: expect.stringContaining(message) })])
    const page = await rawRequest(server.url, `GET /${path}`, { token: server.firstUser.token, headers: { Accept: 'text/html' } })
    expect([page.status, page.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8'])
  })

  test('of an agent that the workspace does not have is 400', async () => {
    verifies('apps:path')
    const { status, text } = await rawRequest(server.url, `GET //@testuser/${workspace}.other/apps/own/`, { token: server.firstUser.token })
    expect([status, text]).toEqual([400, expect.stringContaining('No agent exists with the name')])
  })
})

async function statuses(token: string): Promise<number[]> {
  return await Promise.all(['own', 'shared', 'public'].map(async (slug) => (await open(`${slug}/`, { token })).status))
}

describe('who may open it', () => {
  test.each([
    ['own', 200, 404, 307],
    ['shared', 200, 200, 307],
    ['public', 200, 200, 200],
  ])('%s: its owner %i, another member %i, nobody %i', async (slug, owner, member, nobody) => {
    verifies('apps:sharing')
    verifies('apps:path')
    const answers = [await open(`${slug}/`), await open(`${slug}/`, { token: memberToken }), await open(`${slug}/`, { token: null })]
    expect(answers.map(({ status }) => status)).toEqual([owner, member, nobody])
  })

  test('a key for apps opens the same', async () => {
    verifies('apps:sharing')
    const scope = { scope: 'application_connect' } as const
    const own = await server.client.sessions.createToken({ params: { user: 'me' }, body: scope })
    const other = await server.clientFor(memberToken).sessions.createToken({ params: { user: 'me' }, body: scope })
    expect([await statuses(own.key), await statuses(other.key)]).toEqual([
      [200, 200, 200],
      [404, 200, 200],
    ])
  })

  test('a change of roles counts within a second', async () => {
    verifies('berth:apps:fresh')
    const { id, token } = await createMember(server)
    const be = async (roles: string[]): Promise<unknown> => await server.client.users.updateRoles({ params: { user: id }, body: { roles } })
    await be(['owner'])
    expect((await open('own/', { token })).status).toBe(200)
    await be([])
    server.clock.advance(1_000)
    expect((await open('own/', { token })).status).toBe(404)
  })

  test('a cookie counts only for pages of the same host', async () => {
    verifies('berth:apps:own-pages')
    const cookie = `coder_session_token=${server.firstUser.token}`
    const come = async (headers: Record<string, string>, method = 'GET'): Promise<number> =>
      (await open('own/', { token: null, method, headers: { cookie, ...headers } })).status
    expect(await come({})).toBe(200)
    expect(await come({ 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' }, 'POST')).toBe(200)
    expect(await come({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' })).toBe(200)
    for (const headers of [
      { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' },
      { Origin: 'http://evil.example.com' },
      { Origin: 'null' },
    ])
      expect(await come(headers)).toBe(307)
    expect(await come({ 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'navigate' }, 'POST')).toBe(307)
  })
})

describe('what the server keeps to itself', () => {
  test('its cookies, its token and its query parameter never reach the app', async () => {
    verifies('apps:session-hidden')
    const { token } = server.firstUser
    const cookie = `a=1; coder_session_token=${token}; coder_devurl_session_token=x; csrf_token=y; oauth_state=s; oauth_redirect=r; b="2"`
    const { raw, url } = seenBy(await open(`own/?coder_session_token=${token}&x=%20`, { headers: { cookie } }))
    expect(raw.join('\n')).not.toContain(token)
    expect(raw[raw.findIndex((name) => name.toLowerCase() === 'cookie') + 1]).toBe('a=1; b="2"')
    expect(url).toBe('/?x=%20')
  })

  test('an app cannot set them, nor clear cookies of the host', async () => {
    verifies('berth:apps:own-cookies')
    const setter = await startApp((_request, response) => {
      response.setHeader('Set-Cookie', [
        'coder_session_token=evil; Path=/',
        'mine=1',
        ' coder_devurl_session_token =evil',
        'csrf_token=evil',
      ])
      response.setHeader('Clear-Site-Data', '"*"')
      response.end()
    })
    onTestFinished(async () => await setter.stop())
    const place = await createAppWorkspace(server, { apps: [{ slug: 'setter', url: `http://localhost:${setter.port}` }] })
    const { headers } = await rawRequest(server.url, `GET //@me/${place.workspace.name}/apps/setter/`, { token: server.firstUser.token })
    expect([headers['set-cookie'], headers['clear-site-data']]).toEqual([['mine=1'], undefined])
  })

  test('the app learns where the client is, and nothing that the client claims', async () => {
    verifies('berth:apps:forwarded')
    const { headers } = seenBy(
      await open('own/', {
        headers: { 'X-Forwarded-For': '1.2.3.4', 'X-Forwarded-Proto': 'https', 'X-Real-Ip': '1.2.3.4', Forwarded: 'for=1.2.3.4' },
      }),
    )
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': new URL(server.url).host,
    })
    expect([headers['x-real-ip'], headers['forwarded']]).toEqual([undefined, undefined])
  })

  test('headers about one connection end there, in both directions', async () => {
    verifies('berth:apps:forwarded')
    const { headers } = seenBy(
      await open('own/', {
        headers: { Connection: 'X-Private', 'X-Private': '1', 'Proxy-Authorization': 'x', TE: 'gzip', 'Keep-Alive': 'timeout=9' },
      }),
    )
    expect([headers['x-private'], headers['proxy-authorization'], headers['te'], headers['keep-alive']]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('streams', () => {
  test('an answer arrives while the app still writes it, and the app learns that the client has left', async () => {
    verifies('berth:apps:streams')
    const left = once(leaving, 'left')
    const request = httpRequest(`${server.url}/@me/${workspace}/apps/stream/events`, {
      headers: { 'Coder-Session-Token': server.firstUser.token },
    }).end()
    const [response] = await once(request, 'response')
    const [chunk] = await once(response, 'data')
    expect(String(chunk)).toBe('data: first\n\n')
    request.on('error', () => undefined)
    request.destroy()
    await left
  })

  test('the app answers while the client still sends', async () => {
    verifies('berth:apps:streams')
    const request = httpRequest(`${server.url}/@me/${workspace}/apps/stream/echo`, {
      method: 'POST',
      headers: { 'Coder-Session-Token': server.firstUser.token },
    })
    const answered = once(request, 'response')
    for (const text of ['one', 'two']) {
      request.write(text)
      const [response] = await answered
      const [chunk] = await once(response, 'data')
      expect(String(chunk)).toBe(text)
    }
    request.end()
  })

  test('a WebSocket passes through, with messages sent before the handshake is over', async () => {
    verifies('berth:apps:websockets')
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/@me/${workspace}/apps/own/socket`, ['chat'], {
      headers: { 'Coder-Session-Token': server.firstUser.token },
    })
    const messages: string[] = []
    socket.on('message', (data) => messages.push((data as Buffer).toString('utf8')))
    await once(socket, 'open')
    socket.send('hello')
    await expect.poll(() => messages.length).toBe(2)
    const seen = JSON.parse(messages[0] ?? '') as SeenByApp
    expect([seen.url, messages[1]]).toEqual(['/socket', 'hello'])
    expect(seen.raw).toEqual(expect.arrayContaining(['Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Sec-WebSocket-Protocol']))
    socket.close()
    await once(socket, 'close')
  })

  test('a WebSocket ends with the session that opened it', async () => {
    verifies('berth:apps:websockets')
    const { session_token: token } = await server
      .clientFor()
      .sessions.login({ body: { email: 'testuser@coder.com', password: 'testpass' } })
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/@me/${workspace}/apps/own/`, {
      headers: { 'Coder-Session-Token': token },
    })
    await once(socket, 'open')
    const ended = once(socket, 'close')
    await server.clientFor(token).sessions.logout()
    expect(await ended).toEqual([1006, expect.anything()])
  })
})

test('an app that closes an idle connection is asked again', async () => {
  verifies('berth:apps:streams')
  let answers = 0
  const fickle = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    // Breaks the connection with the second request that comes over it.
    socket.once('data', () => {
      answers += 1
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      socket.once('data', () => socket.destroy())
    })
  })
  fickle.listen(0, '127.0.0.1')
  await once(fickle, 'listening')
  onTestFinished(() => void fickle.close())
  const place = await createAppWorkspace(server, {
    apps: [{ slug: 'fickle', url: `http://localhost:${(fickle.address() as AddressInfo).port}` }],
  })
  for (let count = 0; count < 4; count++)
    expect((await rawRequest(server.url, `GET //@me/${place.workspace.name}/apps/fickle/`, { token: server.firstUser.token })).text).toBe(
      'ok',
    )
  expect(answers).toBe(4)
})

test('an app that switches protocols unasked, or answers nonsense, is 502', async () => {
  verifies('apps:path')
  const answers = ['HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', 'nonsense\r\n\r\n']
  const odd = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(answers.shift() ?? ''))
  })
  odd.listen(0, '127.0.0.1')
  await once(odd, 'listening')
  onTestFinished(() => void odd.close())
  const place = await createAppWorkspace(server, {
    apps: [{ slug: 'odd', url: `http://localhost:${(odd.address() as AddressInfo).port}` }],
  })
  for (let count = 0; count < 2; count++)
    expect((await rawRequest(server.url, `GET //@me/${place.workspace.name}/apps/odd/`, { token: server.firstUser.token })).status).toBe(
      502,
    )
})

const certificate = async (name: string): Promise<Buffer> => await readFile(new URL(`./certificates/${name}`, import.meta.url))
const secureUrl = (listener: { address(): unknown }): string => `https://localhost:${(listener.address() as AddressInfo).port}`

test('an app may speak TLS with a certificate of its own, and one that hangs up before is 502', async () => {
  verifies('apps:path')
  const secure = createHttpsServer({ cert: await certificate('one.crt'), key: await certificate('one.key') }, (_, response) =>
    response.end('over TLS'),
  )
  const hangsUp = createTcpServer((socket) => socket.on('error', () => undefined).end())
  for (const listener of [secure, hangsUp]) {
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    onTestFinished(() => void listener.close())
  }
  const { workspace: place } = await createAppWorkspace(server, {
    apps: [
      { slug: 'secure', url: secureUrl(secure) },
      { slug: 'hangs-up', url: secureUrl(hangsUp) },
    ],
  })
  const ask = async (slug: string): Promise<RawAnswer> =>
    await rawRequest(server.url, `GET //@me/${place.name}/apps/${slug}/`, { token: server.firstUser.token })
  expect(await ask('secure')).toMatchObject({ status: 200, text: 'over TLS' })
  expect((await ask('hangs-up')).status).toBe(502)
})

test('a request cut off in the middle leaves nothing behind', async () => {
  verifies('berth:apps:streams')
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /@me/${workspace}/apps/stream/echo HTTP/1.1\r\nHost: x\r\nCoder-Session-Token: ${server.firstUser.token}\r\nContent-Length: 100\r\n\r\nhalf`,
  )
  await once(socket, 'data')
  socket.destroy()
  expect((await open('own/')).status).toBe(200)
})
