import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEchoDriver, createKubernetesRuntime, createNativeDriver } from '@berth/provisioner'
import { verifies } from '@berth/requirements'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createServer, type BerthServer } from '../src/create-server.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
import { eventually } from './eventually.ts'
import { rawRequest, type RawAnswer } from './raw-request.ts'
import { FIRST_USER, startTestServer, testConfig } from './start-test-server.ts'

let database: TestDatabase
let directory: string
let empty: BerthServer
beforeAll(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'berth-server-'))
  empty = await createServer(testConfig({ directory, databaseUrl: database.url, overrides: {} }), {
    logger: pino({ level: 'silent' }),
    drivers: [createEchoDriver()],
  })
})
afterAll(async () => {
  await empty.stop()
  await database.drop()
  await rm(directory, { recursive: true, force: true })
})

const post = async (path: string, body: unknown): Promise<RawAnswer> => await rawRequest(empty.url, `POST ${path}`, { body })

test('the first user has neither a reserved name nor an address with characters that nobody sees', async () => {
  verifies('users:reserved-names', 'users:visible-addresses')
  for (const [field, fields] of [
    ['username', { username: 'me' }],
    ['username', { username: '1' }],
    ['email', { email: 'a\u200bda@example.com' }],
  ] as const) {
    const { status, json } = await post('/users/first', { ...FIRST_USER, ...fields })
    expect([status, json]).toMatchObject([400, { message: 'Validation failed.', validations: [{ field }] }])
  }
})

test('a deployment that nobody has set up says so, refuses logins and empty bodies, and is set up by exactly one of many', async () => {
  verifies('first-user:status', 'first-user:empty-body', 'first-user:created', 'first-user:trial', 'first-user:second', 'login:wrong')
  const before = await rawRequest(empty.url, 'GET /users/first')
  expect([before.status, before.json]).toEqual([
    404,
    { message: 'The first user has not been created yet. Create it with POST /api/v2/users/first.' },
  ])
  expect((await post('/users/login', FIRST_USER)).status).toBe(401)

  const nothing = await post('/users/first', {})
  expect(nothing.status).toBe(400)
  const fields = (nothing.json as { validations: { field: string }[] }).validations.map(({ field }) => field)
  expect(fields).toEqual(['email', 'username', 'password'])

  const names = Array.from({ length: 8 }, (_, index) => `first-${index}`)
  const answers = await Promise.all(
    names.map(
      async (username) => await post('/users/first', { username, email: `${username}@example.com`, password: 'testpass', trial: true }),
    ),
  )
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, ...Array.from({ length: 7 }, () => 409)])
  const winner = answers.findIndex(({ status }) => status === 201)
  const created = answers[winner]?.json as { user_id: string; organization_id: string }
  const login = await post('/users/login', { email: `first-${winner}@example.com`, password: 'testpass' })
  const { session_token: token } = login.json as { session_token: string }
  const me = await rawRequest(empty.url, 'GET /users/me', { token })
  expect(me.json).toMatchObject({
    id: created.user_id,
    username: `first-${winner}`,
    organization_ids: [created.organization_id],
    roles: [{ name: 'owner', display_name: 'Owner' }],
  })
  const organization = await rawRequest(empty.url, `GET /organizations/${created.organization_id}`, { token })
  expect(organization.json).toMatchObject({ id: created.organization_id, name: `first-${winner}` })

  expect((await rawRequest(empty.url, 'GET /users/first')).status).toBe(200)
  const again = await post('/users/first', { username: 'late', email: 'late@example.com', password: 'testpass' })
  expect([again.status, again.json]).toEqual([409, { message: 'The initial user has already been created.' }])
  expect((await post('/users/first', {})).status).toBe(400)
})

const onKubernetes = () => [createNativeDriver({ runtimes: { kubernetes: createKubernetesRuntime({ kubeconfigPaths: [] }) } })]

test('the kubernetes template is imported for the first user, and told where workspaces go', async () => {
  verifies('first-user:auto-import-kubernetes')
  const server = await startTestServer({ config: { autoImportTemplates: ['kubernetes'] }, drivers: onKubernetes() })
  try {
    const { client, firstUser } = server
    const templates = await client.templates.list({ params: { organization: firstUser.organization_id } })
    expect(templates).toMatchObject([{ name: 'kubernetes', provisioner: 'berth', default_ttl_ms: 0 }])
    const [template] = templates
    const version = await eventually(async () => {
      const found = await client.templateVersions.get({ params: { templateversion: template?.active_version_id ?? '' } })
      return found.job.completed_at === undefined ? undefined : found
    })
    expect(version.job).toMatchObject({ status: 'succeeded' })
    for (const params of [
      { parameterscope: 'template', scoped: template?.id ?? '' },
      { parameterscope: 'import_job', scoped: version.job.id },
    ] as const) {
      const values = await client.parameters.list({ params })
      expect(values.map(({ name }) => name).sort(), params.parameterscope).toEqual(['namespace', 'use_kubeconfig'])
    }
    const computed = await client.templateVersions.parameters({ params: { templateversion: version.id } })
    expect(Object.fromEntries(computed.map(({ name, source_value }) => [name, source_value]))).toMatchObject({
      namespace: 'coder-workspaces',
      use_kubeconfig: 'true',
    })
    // They are not for whoever creates a workspace to choose.
    const schemas = await client.templateVersions.schema({ params: { templateversion: version.id } })
    const isFree = new Map(schemas.map(({ name, allow_override_source }) => [name, allow_override_source]))
    expect([isFree.get('namespace'), isFree.get('use_kubeconfig'), isFree.get('cpu')]).toEqual([false, false, true])
  } finally {
    await server.stop()
  }
})

test('a template that cannot be imported is told, and leaves the first user and the others alone', async () => {
  verifies('first-user:auto-import-failed')
  const own = await createTestDatabase()
  // The second has the name of the first.
  const overrides = { autoImportTemplates: ['kubernetes', 'kubernetes'] }
  const server = await createServer(testConfig({ directory, databaseUrl: own.url, overrides }), {
    logger: pino({ level: 'silent' }),
    drivers: onKubernetes(),
  })
  try {
    const answer = await rawRequest(server.url, 'POST /users/first', { body: FIRST_USER })
    expect(answer.status).toBe(500)
    const login = await rawRequest(server.url, 'POST /users/login', { body: FIRST_USER })
    expect(login.status).toBe(201)
    const { session_token: token } = login.json as { session_token: string }
    const [organization] = (await rawRequest(server.url, 'GET /users/me/organizations', { token })).json as { id: string }[]
    const templates = await rawRequest(server.url, `GET /organizations/${organization?.id}/templates`, { token })
    expect(templates.json).toMatchObject([{ name: 'kubernetes' }])
  } finally {
    await server.stop()
    await own.drop()
  }
})
