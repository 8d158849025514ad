import { createServer, type RequestListener, type Server } from 'node:http'
import { Failure, api, type EndpointSpec, type Workspace } from '@berth/schema'
import { routes } from '@berth/schema/routes'
import { exampleOf } from '@berth/schema/openapi'
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { ApiError } from './api-error.ts'
import type { DerivedClient } from './client.ts'
import { ConnectionError } from './connection-error.ts'
import { createClient, type Client } from './create-client.ts'
import { startStubServer, type StubServer } from './stub-server.ts'

const id = '6d292e4f-d131-4609-ad91-5421b8ed0c95'
const token = 'fzQ2vVwYbT-VhRt0pWqNzKc3sLmYd8JxE'

interface Row {
  readonly name: string
  readonly noun: string
  readonly operation: string
  readonly spec: EndpointSpec
}

const rows: Row[] = Object.entries(api).flatMap(([noun, group]) =>
  Object.entries<EndpointSpec>(group).map(([operation, spec]) => ({ name: `${noun}.${operation}`, noun, operation, spec })),
)
/** Streams and redirects of browsers are not methods. */
const isMethod = ({ spec }: Row) => spec.delivery !== 'websocket' && spec.delivery !== 'server_sent_events' && spec.status !== 307

/** The calls beside those of the contract. */
const shorterCalls = ['open', 'waitUntilReady', 'start', 'stop', 'delete'].map((name) => `workspaces.${name}`)

type AnyCall = (request?: unknown) => Promise<unknown>
/** The client's type at run time, for walking over all of it. */
const methodsOf = (client: unknown, noun: string) => (client as Record<string, Record<string, AnyCall>>)[noun] ?? {}

function requestFor(spec: EndpointSpec): unknown {
  const body = spec.bodyType === undefined ? spec.body && exampleOf(spec.body) : new Uint8Array([1, 2, 3])
  return {
    params: spec.params && exampleOf(spec.params),
    ...(spec.query?.['required'] !== undefined && { query: exampleOf(spec.query) }),
    ...(body !== undefined && { body }),
  }
}

describe('against the stub server', () => {
  let stub: StubServer
  beforeAll(async () => {
    stub = await startStubServer({ token })
  })
  afterAll(() => stub.close())

  test('the operations are those of the contract, except streams and redirects of browsers', () => {
    const client = createClient({ url: stub.url })
    const names = Object.keys(routes).flatMap((noun) => Object.keys(methodsOf(client, noun)).map((operation) => `${noun}.${operation}`))
    expect(names.filter((name) => !shorterCalls.includes(name))).toEqual(rows.filter(isMethod).map((row) => row.name))
  })

  test.each(rows.filter(isMethod))('$name sends what the contract says and answers what it says', async (row) => {
    const call = methodsOf(createClient({ url: stub.url, token }), row.noun)[row.operation]
    const answer = await call?.(requestFor(row.spec))
    const expected = row.spec.response === undefined ? undefined : exampleOf(row.spec.response)
    expect(answer).toEqual(row.spec.delivery === 'bytes' ? new Uint8Array() : expected)
    expect(stub.requests.at(-1)?.operation).toBe(row.name)
  })

  test('the token is sent in its header; without a token there is no header', async () => {
    await createClient({ url: stub.url, token }).deployment.buildInfo()
    expect(stub.requests.at(-1)?.headers['coder-session-token']).toBe(token)
    await createClient({ url: stub.url, headers: { 'X-Proxy': 'yes' } }).deployment.buildInfo()
    expect(stub.requests.at(-1)?.headers).toMatchObject({ 'x-proxy': 'yes' })
    expect(stub.requests.at(-1)?.headers).not.toHaveProperty('coder-session-token')
  })

  test("a wrong token is an ApiError of status 401 with the server's message", async () => {
    const error = await createClient({ url: stub.url, token: 'wrong' })
      .users.get({ params: { user: 'me' } })
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 401, method: 'GET', url: `${stub.url}/api/v2/users/me` })
    expect(error).toHaveProperty('message', 'You are signed out or your session has expired. Please sign in again to continue.')
  })

  test('a query omits undefined values and writes numbers and booleans as text', async () => {
    const client = createClient({ url: stub.url, token })
    await client.workspaces.list({ query: { owner: 'me', limit: 25, offset: undefined, q: 'name:a b&c' } })
    expect(stub.requests.at(-1)?.url).toBe('/api/v2/workspaces?owner=me&limit=25&q=name%3Aa+b%26c')
    await client.workspaces.get({ params: { workspace: id }, query: { include_deleted: true } })
    expect(stub.requests.at(-1)?.url).toBe(`/api/v2/workspaces/${id}?include_deleted=true`)
  })

  test('bytes are sent and received unchanged', async () => {
    const client = createClient({ url: stub.url, token })
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256)
    stub.on('files.get', () => bytes)
    await client.files.upload({ body: bytes })
    expect(stub.requests.at(-1)).toMatchObject({ body: bytes, headers: { 'content-type': 'application/x-tar' } })
    expect(await client.files.get({ params: { file: id } })).toEqual(bytes)
  })

  test('a failure has message, detail and validations', async () => {
    const validations = [{ field: 'name', detail: 'Validation failed for tag "username" with value: "?"' }]
    stub.on('workspaces.update', () => {
      throw new Failure('validation_failed', { detail: 'why', validations })
    })
    const call = createClient({ url: stub.url, token }).workspaces.update({ params: { workspace: id }, body: { name: '?' } })
    await expect(call).rejects.toMatchObject({ status: 400, message: 'Validation failed.', detail: 'why', validations })
  })

  test("an aborted call rejects with its signal's reason", async () => {
    const controller = new AbortController()
    stub.on('builds.get', () => {
      controller.abort(new Error('enough'))
      return new Promise(() => undefined)
    })
    const call = createClient({ url: stub.url, token }).builds.get({ params: { workspacebuild: id } }, { signal: controller.signal })
    await expect(call).rejects.toThrow('enough')
  })

  test('fetch reaches paths that no operation covers, and throws like operations', async () => {
    const client = createClient({ url: stub.url, token })
    const response = await client.fetch('/buildinfo')
    expect(await response.json()).toHaveProperty('version')
    await expect(client.fetch('/nowhere')).rejects.toMatchObject({ status: 404, message: 'Route not found.' })
  })

  test('the stub refuses a request that differs from the contract', async () => {
    const client = createClient({ url: stub.url, token })
    const call = client.workspaces.get({ params: { workspace: 'dev' } })
    await expect(call).rejects.toMatchObject({ status: 400, validations: [{ field: 'workspace', detail: 'must be a uuid' }] })
  })
})

describe('against other servers', () => {
  const servers: Server[] = []
  const listen = async (handle: RequestListener) => {
    const server = createServer(handle)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  }
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })

  test('an HTML page instead of JSON is an error that shows it', async () => {
    const url = await listen((_, response) => response.setHeader('Content-Type', 'text/html').end(`<html>\n${'x'.repeat(500)}`))
    const error: unknown = await createClient({ url })
      .deployment.buildInfo()
      .catch((reason: unknown) => reason)
    expect(ApiError.is(error, 200)).toBe(true)
    const shown = `<html> ${'x'.repeat(193)}…`
    const message = `The server answered 200 with text/html instead of JSON: "${shown}". Check that ${url} is the address of a Berth server.`
    expect(error).toHaveProperty('message', message)
  })

  test('an incomplete JSON document is an error', async () => {
    const url = await listen((_, response) => response.setHeader('Content-Type', 'application/json').end('{"version":'))
    await expect(createClient({ url }).deployment.buildInfo()).rejects.toThrow('instead of JSON: "{"version":"')
  })

  test.each([
    { status: 502, type: 'text/html', body: '<h1>Bad Gateway</h1>', message: 'text/html instead of JSON: "<h1>Bad Gateway</h1>".' },
    { status: 405, type: undefined, body: '', message: 'The server answered 405 without an explanation.' },
    { status: 500, type: 'application/json', body: '{"error":1}', message: 'instead of JSON: "{"error":1}".' },
    { status: 304, type: undefined, body: undefined, message: 'Not modified.' },
  ])('$status with $body becomes an ApiError', async ({ status, type, body, message }) => {
    const url = await listen((_, response) => response.writeHead(status, type === undefined ? {} : { 'Content-Type': type }).end(body))
    const call = createClient({ url }).deployment.buildInfo()
    await expect(call).rejects.toMatchObject({ status, message: expect.stringContaining(message) })
  })

  test('a redirect is not followed, so the token goes nowhere else', async () => {
    let wasAsked = false
    const other = await listen((_, response) => {
      wasAsked = true
      response.end('{}')
    })
    const url = await listen((_, response) => response.writeHead(307, { Location: `${other}/api/v2/buildinfo` }).end())
    const call = createClient({ url, token }).deployment.buildInfo()
    await expect(call).rejects.toMatchObject({ status: 307, message: expect.stringContaining(`redirects to ${other}`) })
    expect(wasAsked).toBe(false)
  })

  test('an endless failure is read up to a limit', async () => {
    const url = await listen((_, response) => {
      response.writeHead(500, { 'Content-Type': 'text/plain' })
      const more = () => {
        while (response.write('x'.repeat(16_384)));
      }
      response.on('drain', more)
      more()
    })
    await expect(createClient({ url }).deployment.buildInfo()).rejects.toMatchObject({ status: 500 })
  })

  test('an unreachable server is a ConnectionError that says what to check', async () => {
    const url = await listen(() => undefined)
    servers.splice(0).forEach((server) => server.close())
    const error: unknown = await createClient({ url })
      .deployment.buildInfo()
      .catch((reason: unknown) => reason)
    expect(ConnectionError.is(error)).toBe(true)
    const message = `No server answers at ${url}. Check that it is running, and check the address and port.`
    expect(error).toMatchObject({ message, method: 'GET', url: `${url}/api/v2/buildinfo`, cause: expect.any(TypeError) })
  })

  test('an answer that breaks off is a ConnectionError', async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 })
      response.write('{"version"', () => response.destroy())
    })
    await expect(createClient({ url }).deployment.buildInfo()).rejects.toBeInstanceOf(ConnectionError)
  })

  test('the path prefix of the URL is kept', async () => {
    const paths: (string | undefined)[] = []
    const url = await listen((request, response) => {
      paths.push(request.url)
      response.setHeader('Content-Type', 'application/json').end('{}')
    })
    const client = createClient({ url: `${url}/berth//` })
    await client.deployment.buildInfo()
    expect(paths).toEqual(['/berth/api/v2/buildinfo'])
    expect(client.url).toBe(`${url}/berth`)
    expect(client.socketUrl('/x', { after: 1 })).toBe(`${url.replace('http', 'ws')}/berth/api/v2/x?after=1`)
  })
})

test('a URL without a scheme is refused with an explanation', () => {
  expect(() => createClient({ url: 'berth.example.com' })).toThrow('Write it like https://berth.example.com.')
})

test('a token that no header can carry is refused without being shown', () => {
  expect(() => createClient({ url: 'http://localhost', token: 'sec\nret' })).toThrow(
    new TypeError('The token contains characters that no HTTP header can carry. Check that it was copied correctly.'),
  )
})

test('a newline at the end of a token is ignored', () => {
  expect(createClient({ url: 'http://localhost', token: `${token}\n` }).headers()).toEqual({ 'Coder-Session-Token': token })
})

test('headers are a copy', () => {
  const client = createClient({ url: 'http://localhost', token })
  client.headers()['Coder-Session-Token'] = 'changed'
  expect(client.headers()).toEqual({ 'Coder-Session-Token': token })
})

test('the types are those of the contract', () => {
  expectTypeOf<Client['workspaces']['get']>().returns.resolves.toEqualTypeOf<Workspace>()
  expectTypeOf<Client['workspaces']['update']>().returns.resolves.toEqualTypeOf<void>()
  expectTypeOf<Client['files']['get']>().returns.resolves.toEqualTypeOf<Uint8Array>()
  expectTypeOf<Client['workspaces']>().not.toHaveProperty('watch')
  expectTypeOf<Client['agents']>().not.toHaveProperty('pty')
  expectTypeOf<Client['users']['list']>().toBeCallableWith()
  expectTypeOf<Client['workspaces']['list']>().toBeCallableWith({ query: { limit: undefined } })
  expectTypeOf<Parameters<DerivedClient['workspaces']['get']>[0]>().toHaveProperty('params')
})
