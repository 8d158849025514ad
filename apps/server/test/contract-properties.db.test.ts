import { Failure, failures, pathParameters, type EndpointSpec } from '@berth/schema'
import { runs } from '@berth/vitest/fuzz'
import type { TSchema } from '@sinclair/typebox'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anyText, arbitraryOf } from './arbitrary-of.ts'
import { createOneOfEach, endpoints, pathOf, type Existing } from './contract-fixture.ts'
import { rawRequest, type RawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const RUNS = runs(15)
const PATIENCE_MS = 15_000
/** Stand for what exists, since properties are made before anything does. */
const EXISTING = 'existing'

let server: TestServer
let existing: Existing
beforeAll(async () => {
  server = await startTestServer()
  existing = await createOneOfEach(server)
})
afterAll(async () => await server.stop())

interface Generated {
  readonly parameters: Readonly<Record<string, string>>
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly body: string | undefined
}

/** Ids of what exists, as bodies and queries name them. */
const PLACEHOLDERS = ['organization', 'file', 'group', 'template', 'templateversion', 'workspace', 'workspacebuild', 'workspaceagent'].map(
  (_, index) => `00000000-0000-4000-8000-00000000000${index}`,
)

function requestsOf(spec: EndpointSpec): fc.Arbitrary<Generated> {
  const parameters = Object.fromEntries(
    pathParameters(spec.path).map((name) => [
      name,
      fc.oneof(
        { arbitrary: fc.constant(EXISTING), weight: 6 },
        fc.uuid(),
        anyText.filter((text) => text !== ''),
      ),
    ]),
  )
  const names = Object.keys((spec.query?.['properties'] ?? {}) as object)
  const values = fc.oneof(
    anyText,
    fc.constantFrom('0', '-1', '1', 'true', 'a:b', 'owner:me', 'status:', '9223372036854775807', ...PLACEHOLDERS),
  )
  const query = fc.array(
    fc.tuple(names.length === 0 ? anyText : fc.oneof({ arbitrary: fc.constantFrom(...names), weight: 5 }, anyText), values),
    {
      maxLength: 4,
    },
  )
  return fc.record({ parameters: fc.record(parameters), query, body: bodiesOf(spec.body) })
}

function bodiesOf(schema: TSchema | undefined): fc.Arbitrary<string | undefined> {
  if (schema === undefined) return fc.option(anyText, { nil: undefined })
  const fitting = arbitraryOf(schema, PLACEHOLDERS)
  const broken = fc
    .tuple(fitting, fc.constantFrom(...Object.keys((schema['properties'] ?? {}) as object), 'other'), fc.jsonValue())
    .map(([body, name, value]) => ({ ...(body as object), [name]: value }))
  return fc.oneof(
    { arbitrary: fitting.map((body) => JSON.stringify(body)), weight: 5 },
    { arbitrary: broken.map((body) => JSON.stringify(body)), weight: 3 },
    fc.json(),
    anyText,
  )
}

/** Puts what exists where the generated request means it. */
function realise(spec: EndpointSpec, { parameters, query, body }: Generated): { line: string; request: RawRequest } {
  const ids = Object.values(existing.parameters)
  const real = (text: string): string =>
    PLACEHOLDERS.reduce(
      (result, placeholder, index) => result.replaceAll(placeholder, ids.filter((id) => id.length === 36)[index] ?? ''),
      text,
    )
  const path = pathOf(
    spec,
    Object.fromEntries(
      Object.entries(parameters).map(([name, text]) => [name, text === EXISTING ? (existing.parameters[name] ?? '') : encode(text)]),
    ),
  )
  const search = query.map(([name, value]) => `${encode(name)}=${encode(real(value))}`).join('&')
  return {
    line: `${spec.method} ${path}${search === '' ? '' : `?${search}`}`,
    request: {
      token: spec.access === 'agent' ? existing.agentToken : existing.ownerToken,
      headers: spec.bodyType === undefined ? {} : { 'Content-Type': spec.bodyType },
      ...(body !== undefined && { body: real(body) }),
    },
  }
}

/** Percent-encodes everything, halves of surrogate pairs too. */
function encode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

/** Every status the contract documents for an endpoint, and those for badly encoded paths. */
function documented(spec: EndpointSpec): ReadonlySet<number> {
  const statuses = spec.failures.map((code) => failures[code].status)
  const ofPath = spec.path.includes(':') ? [new Failure('invalid_url').status, new Failure('not_found').status] : []
  return new Set([spec.status, ...(spec.alternativeStatus === undefined ? [] : [spec.alternativeStatus]), ...statuses, ...ofPath])
}

// Signing out has nothing to generate, and would end the session of all others.
test.each(endpoints.filter(({ name }) => name !== 'sessions.logout'))(
  'whatever is sent to $name, it answers as its contract says',
  async ({ spec }) => {
    const expected = documented(spec)
    await fc.assert(
      fc.asyncProperty(requestsOf(spec), async (generated) => {
        const { line, request } = realise(spec, generated)
        const answer = await withPatience(rawRequest(server.url, line, request), line)
        if (!expected.has(answer.status))
          throw new Error(`${line} with ${String(request.body)} answered ${answer.status}: ${answer.text}`.slice(0, 2000))
      }),
      { numRuns: RUNS },
    )
  },
)

test('and after all of it the server is well', async () => {
  const { status } = await rawRequest(server.url, 'GET /users/me', { token: existing.ownerToken })
  expect(status).toBe(200)
})

async function withPatience<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} was not answered within ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
