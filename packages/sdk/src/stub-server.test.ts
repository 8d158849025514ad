import { Failure, api, type EndpointSpec } from '@berth/schema'
import { exampleOf } from '@berth/schema/openapi'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkShape } from './check-shape.ts'
import { createClient } from './create-client.ts'
import { findRoute, stubRoutes } from './stub-operation.ts'
import { startStubServer, type StubServer } from './stub-server.ts'

const id = '08891da4-eab9-436f-a2c1-dcac63926249'
let stub: StubServer
beforeEach(async () => {
  stub = await startStubServer()
})
afterEach(() => stub.close())

const schemas = Object.entries(api).flatMap(([noun, group]) =>
  Object.entries<EndpointSpec>(group).flatMap(([operation, spec]) =>
    (['params', 'query', 'body', 'response'] as const).flatMap((part) => {
      const schema = spec[part]
      return schema === undefined ? [] : [{ name: `${noun}.${operation} ${part}`, schema }]
    }),
  ),
)

test.each(schemas)('the example of $name is of its shape', ({ schema }) => {
  expect(checkShape(schema, exampleOf(schema))).toEqual([])
})

test('every operation is found by its path', () => {
  for (const { name, spec } of stubRoutes) {
    const path = spec.path.replace(/:\w+/g, id)
    expect(findRoute(spec.method, `/api/v2${path}`)?.route.name).toBe(name)
  }
})

describe('the stub reports mistakes of clients', () => {
  test.each([
    [
      'a misspelt key',
      { naem: 'dev' },
      [
        { field: 'name', detail: 'is required' },
        { field: 'naem', detail: 'is not part of the contract' },
      ],
    ],
    ['another type', { name: 7 }, [{ field: 'name', detail: 'must be text' }]],
    ['no body', undefined, [{ field: '', detail: 'must be an object' }]],
  ])('%s', async (_, body, validations) => {
    const response = await fetch(`${stub.url}/api/v2/workspaces/${id}`, {
      method: 'PATCH',
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ message: 'The request differs from the contract.', validations })
  })

  test('a query that the operation does not have', async () => {
    const response = await fetch(`${stub.url}/api/v2/workspaces?onwer=me&limit=-1&status=asleep`)
    const { validations } = (await response.json()) as { validations: { field: string }[] }
    expect(validations.map(({ field }) => field)).toEqual(['onwer', 'limit', 'status'])
  })

  test('a body that is not JSON, and an unknown path', async () => {
    const bad = await fetch(`${stub.url}/api/v2/users/login`, { method: 'POST', body: '{' })
    expect(bad.status).toBe(400)
    expect((await fetch(`${stub.url}/api/v2/nowhere`)).status).toBe(404)
  })
})

test('handlers get what the client passed', async () => {
  stub.on('workspaces.list', ({ query }) => ({ workspaces: [], count: query?.limit ?? 0 }))
  expect(await createClient({ url: stub.url }).workspaces.list({ query: { limit: 7 } })).toEqual({ workspaces: [], count: 7 })
})

test('handlers can be given from the start', async () => {
  const other = await startStubServer({ handlers: { 'deployment.greet': () => ({ message: 'hello' }) } })
  expect(await createClient({ url: other.url }).deployment.greet()).toEqual({ message: 'hello' })
  await other.close()
})

test('a handler that throws is a 500 with its error', async () => {
  stub.on('deployment.greet', () => {
    throw new Error('oops')
  })
  await expect(createClient({ url: stub.url }).deployment.greet()).rejects.toMatchObject({ status: 500, detail: 'Error: oops' })
})

test('with a token, other callers are refused except where the contract needs none', async () => {
  const guarded = await startStubServer({ token: 'right' })
  const stranger = createClient({ url: guarded.url })
  await expect(stranger.users.list()).rejects.toMatchObject({ status: 401, message: new Failure('signed_out').message })
  await expect(stranger.agents.metadata()).rejects.toMatchObject({ message: new Failure('agent_unauthorized').message })
  await stranger.deployment.buildInfo()
  await createClient({ url: guarded.url, token: 'right' }).users.list()
  await guarded.close()
})

test('close ends open streams', async () => {
  const response = await fetch(`${stub.url}/api/v2/workspaces/${id}/watch`)
  await stub.close()
  await expect(response.text()).rejects.toThrow('terminated')
  stub = await startStubServer()
})
