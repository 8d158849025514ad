import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@berth/requirements'
import { maxFileBytes } from '@berth/schema'
import { maxJsonBytes, maxLargeJsonBytes } from '@berth/schema/rules'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createMember, createTemplate, createWorkspace, buildEnded } from './factories.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  return socket
}

/** Everything that comes until the server closes the connection or so many answers have come. */
async function read(socket: Socket, answers: number): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1')
    if (text.split('HTTP/1.1 ').length > answers && text.endsWith('\n')) break
  }
  return text
}

async function isUp(): Promise<boolean> {
  const answer = await fetch(`${server.url}/healthz`)
  return answer.status === 200
}

const crlf = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`

test('pipelined requests are answered in their order on one connection', async () => {
  const socket = await open()
  const paths = ['/api/v2/users/me', '/api/v2/nothing', '/api/v2/buildinfo']
  socket.write(paths.map((path) => crlf([`GET ${path} HTTP/1.1`, 'Host: x', `Coder-Session-Token: ${server.firstUser.token}`])).join(''))
  const text = await read(socket, 3)
  socket.destroy()
  expect([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status)).toEqual(['200', '404', '200'])
})

test('a request that wishes for HTTP/2 is answered as if it had not, body and connection included', async () => {
  const body = JSON.stringify({ email: 'nobody@example.com', password: 'x' })
  const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']
  const login = crlf(['POST /api/v2/users/login HTTP/1.1', 'Host: x', ...upgrade, `Content-Length: ${body.length}`])
  const socket = await open()
  socket.write(login + body.slice(0, 10))
  await sleep(20)
  socket.write(body.slice(10))
  let text = await read(socket, 1)
  socket.write(crlf(['GET /api/v2/buildinfo HTTP/1.1', 'Host: x', ...upgrade]))
  text += await read(socket, 1)
  socket.destroy()
  expect([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status)).toEqual(['401', '200'])
  expect(text).toContain('Incorrect email or password.')
})

test('an upgrade that comes before the answer to the request ahead of it ends the connection, and that one alone', async () => {
  const body = JSON.stringify({ email: 'nobody@example.com', password: 'x' })
  for (const upgrade of ['websocket', 'h2c']) {
    const socket = await open()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => socket.destroy())
    socket.resume()
    socket.write(
      crlf(['POST /api/v2/users/login HTTP/1.1', 'Host: x', `Content-Length: ${body.length}`]) +
        body +
        crlf(['GET /api/v2/users/me HTTP/1.1', 'Host: x', 'Connection: Upgrade', `Upgrade: ${upgrade}`]),
    )
    await closed
  }
  expect(await isUp()).toBe(true)
})

test('an absolute request target is read by its path and query, and a broken one crashes nothing', async () => {
  for (const [target, status] of [
    ['http://example.com/api/v2/users?limit=1', 200],
    ['http://[broken/api/v2/users?limit=1', 404],
    ['/api/v2/workspaces?limit=x#fragment', 400],
    ['//api/v2/users', 404],
  ] as const) {
    const socket = await open()
    socket.write(crlf([`GET ${target} HTTP/1.1`, 'Host: x', `Coder-Session-Token: ${server.firstUser.token}`, 'Connection: close']))
    const text = await read(socket, 1)
    socket.destroy()
    expect([target, Number(text.slice(9, 12))]).toEqual([target, status])
  }
})

test('what is no HTTP is refused and the server goes on', async () => {
  for (const nonsense of ['\0\0\0\0', 'GET / HTTP/9.9\r\n\r\n', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`]) {
    const socket = await open()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => socket.destroy())
    socket.resume()
    socket.write(nonsense)
    await closed
  }
  expect(await isUp()).toBe(true)
})

test('a client that leaves while its body is being read, or while it waits, leaves nothing behind', async () => {
  const rounds = Array.from({ length: 20 }, async (_, round) => {
    const socket = await open()
    const head = ['POST /api/v2/users HTTP/1.1', 'Host: x', `Coder-Session-Token: ${server.firstUser.token}`, 'Content-Length: 1000']
    socket.write(`${crlf(head)}{"email":`)
    await sleep(round)
    socket.resetAndDestroy()
    await once(socket, 'close')
  })
  await Promise.all(rounds)
  expect(await isUp()).toBe(true)
})

test('a JSON body above the limit of its endpoint is refused with an answer, whether its length is announced or not', async () => {
  verifies('limits:json-bodies')
  const { token, organization_id } = server.firstUser
  const limits: [line: string, maxBytes: number][] = [
    ['PUT /users/me/profile', maxJsonBytes],
    [`POST /organizations/${organization_id}/templates`, maxLargeJsonBytes],
  ]
  for (const [line, maxBytes] of limits) {
    const body = Buffer.alloc(maxBytes + 1, ' ')
    const longest = await rawRequest(server.url, line, { token, body: body.subarray(1) })
    expect(longest.status, line).toBe(400)
    for (const headers of [{ 'Content-Length': body.length }, { 'Transfer-Encoding': 'chunked' }]) {
      const { status, json } = await rawRequest(server.url, line, { token, headers, body })
      expect([status, json]).toEqual([413, { message: `Request body is too large. This endpoint accepts at most ${maxBytes} bytes.` }])
    }
  }
})

test('a file above 100 MiB is refused before it is read', async () => {
  const socket = await open()
  const head = ['Host: x', `Coder-Session-Token: ${server.firstUser.token}`, 'Content-Type: application/x-tar']
  socket.write(crlf(['POST /api/v2/files HTTP/1.1', ...head, `Content-Length: ${maxFileBytes + 1}`]))
  const text = await read(socket, 1)
  socket.destroy()
  expect(text).toMatch(/^HTTP\/1\.1 413 /)
  expect(text).toContain('too large')
})

test('a body that is not UTF-8 is read with replacement characters', async () => {
  const body = Buffer.from('{"email":"\xff@example.com","password":"x"}', 'latin1')
  const { status } = await rawRequest(server.url, 'POST /users/login', { body })
  expect([400, 401]).toContain(status)
})

const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

test('a WebSocket request that fails sign-in, access or its query is answered as JSON before the upgrade', async () => {
  verifies('wire:socket:refused-as-json')
  const workspace = await createWorkspace(server, await createTemplate(server))
  const { id } = await buildEnded(server.client, workspace.latest_build.id)
  const stranger = await createMember(server)
  const line = `GET /workspacebuilds/${id}/logs?follow=true`
  const signedOut = await rawRequest(server.url, line, { headers: HANDSHAKE })
  expect([signedOut.status, signedOut.json]).toMatchObject([401, { detail: expect.any(String) as string }])
  expect(signedOut.headers['x-coder-request-id']).toBeDefined()
  const refused = await rawRequest(server.url, line, { headers: HANDSHAKE, token: stranger.token })
  expect([refused.status, refused.json]).toMatchObject([404, { message: 'Resource not found or you do not have access to this resource' }])
  const query = await rawRequest(server.url, `${line}&after=x`, { headers: HANDSHAKE, token: server.firstUser.token })
  expect(query.status).toBe(400)
  const accepted = await rawRequest(server.url, line, { headers: HANDSHAKE, token: server.firstUser.token })
  expect(accepted.status).toBe(101)
  expect(accepted.headers['x-coder-request-id']).toBeDefined()
  expect(accepted.headers['sec-websocket-protocol']).toBeUndefined()
})

test('a WebSocket with an Origin of another host is 403, with one of this host it opens', async () => {
  verifies('wire:socket:origin')
  const workspace = await createWorkspace(server, await createTemplate(server))
  const line = `GET /workspacebuilds/${workspace.latest_build.id}/logs?follow=true`
  const { token } = server.firstUser
  for (const origin of ['http://evil.example', 'null', `${server.url}.evil.example`]) {
    const { status, json } = await rawRequest(server.url, line, { headers: { ...HANDSHAKE, Origin: origin }, token })
    expect([status, json]).toMatchObject([
      403,
      {
        message:
          'The request comes from another site. Send it from a page of this deployment, or authenticate with the header "Coder-Session-Token".',
      },
    ])
  }
  const { status } = await rawRequest(server.url, line, { headers: { ...HANDSHAKE, Origin: server.url.toUpperCase() }, token })
  expect(status).toBe(101)
})

test('a WebSocket route without upgrade headers is 426', async () => {
  verifies('wire:socket:upgrade-required')
  const workspace = await createWorkspace(server, await createTemplate(server))
  const { token } = server.firstUser
  const line = `GET /workspacebuilds/${workspace.latest_build.id}/logs?follow=true`
  const { status, headers } = await rawRequest(server.url, line, { token })
  expect([status, headers.upgrade]).toEqual([426, 'websocket'])
})

test('a handshake that is not one is refused', async () => {
  const workspace = await createWorkspace(server, await createTemplate(server))
  const { token } = server.firstUser
  const line = `GET /workspacebuilds/${workspace.latest_build.id}/logs?follow=true`
  for (const wrong of [{ 'Sec-WebSocket-Key': 'short' }, { 'Sec-WebSocket-Version': '7' }]) {
    const { status } = await rawRequest(server.url, line, { headers: { ...HANDSHAKE, ...wrong }, token })
    expect(status).toBe(400)
  }
})

test('a message above 32 KiB closes a WebSocket with 1009', async () => {
  verifies('wire:socket:ping')
  const template = await createTemplate(server, { plan: [{ complete: {} }], apply: [{ log: { output: 'never ends' } }] })
  const workspace = await createWorkspace(server, template)
  const url = `${server.url.replace('http', 'ws')}/api/v2/workspacebuilds/${workspace.latest_build.id}/logs?follow=true`
  const socket = new WebSocket(url, { headers: { 'Coder-Session-Token': server.firstUser.token } })
  await once(socket, 'open')
  const closed = once(socket, 'close')
  socket.send(Buffer.alloc(32 * 1024 + 1))
  const [code] = (await closed) as [number]
  expect(code).toBe(1009)
})

test('a crash in a handler is 500 with a fixed message and nothing of its inside', async () => {
  verifies('wire:routing:crash')
  await runSql(server, 'alter table files rename to files_gone')
  const { status, text } = await rawRequest(server.url, 'POST /files', {
    token: server.firstUser.token,
    headers: { 'Content-Type': 'application/x-tar' },
    body: Buffer.alloc(10),
  })
  await runSql(server, 'alter table files_gone rename to files')
  expect([status, text]).toEqual([500, '{"message":"An internal server error occurred."}\n'])
})
