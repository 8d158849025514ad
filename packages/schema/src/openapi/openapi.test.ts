import { verifies } from '@berth/requirements'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { describe, expect, test } from 'vitest'
import { api } from '../api.ts'
import type { EndpointSpec } from '../endpoint.ts'
import { Components } from './components.ts'
import { failuresOf } from './operation.ts'
import { failures } from '../failures.ts'
import { renderOpenApi } from './openapi.ts'

const document = renderOpenApi({ version: 'v0.13.4+berth.0.1.0' })
const text = JSON.stringify(document)

interface Operation {
  readonly operationId: string
  readonly security: readonly Record<string, unknown>[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description: string }[]
  readonly requestBody?: { readonly content: Record<string, unknown> }
  readonly responses: Record<string, { readonly content?: Record<string, { readonly examples?: Record<string, unknown> }> }>
}

const rows = Object.entries(api).flatMap(([noun, group]) =>
  Object.entries<EndpointSpec>(group).map(([name, spec]) => ({ operationId: `${noun}_${name}`, spec })),
)

function operationOf({ path, method }: EndpointSpec): Operation {
  const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
  // The document is plain JSON; the tests below check the parts they read.
  return operation as unknown as Operation
}

describe("Redocly's recommended rules, and those about examples", async () => {
  const config = await createConfig({
    extends: ['recommended'],
    rules: { 'no-invalid-media-type-examples': 'error', 'no-invalid-parameter-examples': 'error', 'no-invalid-schema-examples': 'error' },
  })
  const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config })
  const named = (severity: string) => problems.filter((problem) => problem.severity === severity)

  test('no errors', () => {
    verifies('berth:packages:openapi')
    expect(named('error').map(({ ruleId, message, location }) => ({ ruleId, message, at: location[0]?.pointer }))).toEqual([])
  })

  test('no warnings', () => {
    expect(named('warn').map(({ ruleId, location }) => ({ ruleId, at: location[0]?.pointer }))).toEqual([])
  })
})

describe.each(rows)('$operationId', ({ operationId, spec }) => {
  const operation = operationOf(spec)

  test('is documented with every failure it can answer', () => {
    expect(operation.operationId).toBe(operationId)
    const documented = Object.entries(operation.responses).flatMap(([status, { content }]) =>
      Object.keys(content?.['application/json']?.examples ?? {}).map((code) => `${status} ${code}`),
    )
    expect(documented.toSorted()).toEqual(
      failuresOf(spec)
        .map((code) => `${failures[code].status} ${code}`)
        .toSorted(),
    )
  })

  test('has a summary, and a description that says more', () => {
    expect(spec.summary).toMatch(/^[A-Z].*\.$/)
    expect(spec.description ?? '').toMatch(/^[A-Z][^]*\.$/)
    expect(spec.description).not.toBe(spec.summary)
  })

  test('documents its parameters, body and success', () => {
    const names = [...Object.keys(spec.params?.properties ?? {}), ...Object.keys(spec.query?.properties ?? {})]
    expect((operation.parameters ?? []).map(({ name }) => name)).toEqual(names)
    for (const { description } of operation.parameters ?? []) expect(description).toMatch(/\.$/)
    expect(operation.requestBody === undefined).toBe(spec.body === undefined && spec.bodyType === undefined)
    expect(operation.responses).toHaveProperty(String(spec.status))
    expect(operation.security.length > 0).toBe(spec.access !== 'anyone')
  })
})

test('the introduction, contact and license are stated', () => {
  expect(document.info).toMatchObject({ contact: { name: expect.any(String) }, license: { identifier: 'Apache-2.0' } })
  for (const topic of ['Versions', 'Authentication', 'Errors', 'Paging and search', 'Streaming', 'Rate limits']) {
    expect(document.info['description']).toContain(`## ${topic}\n`)
  }
})

test('log endpoints describe the socket and the list', () => {
  expect(Object.keys(operationOf(api.builds.logs).responses).slice(0, 2)).toEqual(['101', '200'])
})

test('the watch is a stream of events', () => {
  const { content } = operationOf(api.workspaces.watch).responses['200'] ?? {}
  expect(content).toHaveProperty(['text/event-stream', 'schema', 'contentSchema'], { $ref: '#/components/schemas/WorkspaceEvent' })
})

test('a repeated upload is 200, a new one 201', () => {
  expect(operationOf(api.files.upload).responses).toMatchObject({ 200: expect.anything(), 201: expect.anything() })
})

test('the document can name another server', () => {
  expect(renderOpenApi({ version: '1', serverUrl: 'https://example.org/api/v2' }).servers[0]?.url).toBe('https://example.org/api/v2')
  expect(document.servers[0]?.url).toBe('/api/v2')
})

test('every reference resolves, and every schema is referenced', () => {
  const names = Object.keys(document.components.schemas)
  const references = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]))
  expect(references).toEqual(new Set(names))
})

test("Berth's keywords are left out, properties of the same name are not", () => {
  const schema = { type: 'object', reportedAs: 'x', properties: { rules: { type: 'string', rules: ['required'] } } } as const
  expect(new Components().refer(schema)).toEqual({ type: 'object', properties: { rules: { type: 'string' } } })
})

test('a request shows what its rules ask for, and null where a field may be absent', () => {
  const { schemas } = document.components
  expect(schemas).toMatchObject({
    CreateFirstUserRequest: {
      properties: {
        email: { type: 'string', format: 'email', minLength: 1 },
        username: { type: 'string', pattern: expect.stringMatching(/^\^\[A-Z/), minLength: 1, maxLength: 32 },
        trial: { anyOf: [{ type: 'boolean' }, { type: 'null' }] },
      },
    },
    UpdateTemplateMeta: { properties: { name: { anyOf: [{ pattern: expect.stringMatching(/^\^\$\|\^\[A-Z/) }, { type: 'null' }] } } },
  })
})

test('every number has a format', () => {
  const formats = new Set([...text.matchAll(/"format":"(int32|int64|double)"/g)].map((match) => match[1]))
  expect(formats).toEqual(new Set(['double', 'int32', 'int64']))
  expect(text.match(/"type":"(?:integer|number)"/g)?.length).toBe(text.match(/"format":"(?:int32|int64|double)"/g)?.length)
})

test('the keys of a map by ID have a format', () => {
  const { user_perms } = Object(document.components.schemas['UpdateTemplateACL']).properties
  expect(user_perms).toMatchObject({ anyOf: [{ type: 'object', propertyNames: { type: 'string', format: 'uuid' } }, { type: 'null' }] })
})

test('bytes have the content type that the server sends', () => {
  expect(rows.filter(({ spec }) => (spec.delivery === 'bytes') !== (spec.responseType !== undefined))).toEqual([])
  expect(operationOf(api.files.get).responses['200']?.content).toHaveProperty(['application/x-tar'])
})

test('two different schemas with one title are refused', () => {
  const components = new Components()
  components.refer({ type: 'string', title: 'Name' })
  expect(() => components.refer({ type: 'integer', title: 'Name' })).toThrow('Two different schemas have the title Name.')
})
