import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { pathParameters, type EndpointSpec } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOneOfEach, endpoints, pathOf, type Existing } from './contract-fixture.ts'
import { rawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const

let server: TestServer
let existing: Existing
beforeAll(async () => {
  server = await startTestServer()
  existing = await createOneOfEach(server)
})
afterAll(async () => await server.stop())

describe.each(endpoints)('$name', ({ spec }) => {
  const line = (): string => `${spec.method} ${pathOf(spec, existing.parameters)}`

  test('asks for a session, an agent token or nothing, as its contract says', async () => {
    const { status } = await rawRequest(server.url, line(), { body: spec.method === 'GET' ? undefined : '{' })
    if (spec.access === 'anyone') expect(status).not.toBe(401)
    else if (spec.signInRedirect === true) expect(status).toBe(307)
    else expect(status).toBe(401)
  })

  test('answers other methods with 405 and nothing', async () => {
    const path = pathOf(spec, existing.parameters)
    const taken = endpoints.filter((other) => patternOf(other.spec.path).test(spec.path)).map((other) => other.spec.method)
    for (const method of METHODS.filter((candidate) => !(taken as string[]).includes(candidate))) {
      const { status, text } = await rawRequest(server.url, `${method} ${path}`, { token: server.firstUser.token })
      expect([method, status, text]).toEqual([method, 405, ''])
    }
  })

  test('refuses every parameter that is misspelt', async () => {
    for (const parameter of pathParameters(spec.path).filter((candidate) => candidate in BAD_SPELLINGS)) {
      const path = pathOf(spec, { ...existing.parameters, [parameter]: BAD_SPELLINGS[parameter] ?? '' })
      const token = spec.access === 'agent' ? existing.agentToken : server.firstUser.token
      const { status, json } = await rawRequest(server.url, `${spec.method} ${path}`, { token })
      expect([parameter, status]).toEqual([parameter, 400])
      expect(json).toMatchObject({ message: expect.any(String) as string })
    }
  })
})

const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

test.each(endpoints.filter(({ spec }) => spec.delivery === 'websocket' || isFollowed(spec)))(
  'a page of another site opens no WebSocket of $name',
  async ({ spec }) => {
    verifies('wire:socket:origin')
    const query = isFollowed(spec) ? 'follow=true' : `reconnect=${randomUUID()}`
    const line = `GET ${pathOf(spec, existing.parameters)}?${query}`
    const token = spec.access === 'agent' ? existing.agentToken : server.firstUser.token
    const upgrade = async (origin: string): Promise<number> => {
      const headers = { ...HANDSHAKE, Origin: origin, Cookie: `coder_session_token=${token}` }
      return (await rawRequest(server.url, line, { headers })).status
    }
    // A terminal or a process needs a connected agent, and asks for that first.
    const [foreign, own] = /\/(?:pty|exec|attach)$/.test(spec.path) ? [428, 428] : [403, 101]
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) expect(await upgrade(origin)).toBe(foreign)
    expect(await upgrade(server.url)).toBe(own)
  },
)

function isFollowed(spec: EndpointSpec): boolean {
  return 'follow' in ((spec.query?.['properties'] ?? {}) as object)
}

/** What none of these parameters can be. */
const BAD_SPELLINGS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['organization', 'file', 'group', 'template', 'templateversion', 'dryrun', 'workspace', 'workspacebuild', 'workspaceagent'].map(
      (name) => [name, 'x'],
    ),
  ),
  user: 'nobody',
  buildnumber: '1.5',
  parameterscope: 'something',
  scoped: 'x',
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`)
}
