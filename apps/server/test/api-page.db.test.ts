import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Template } from '@berth/schema'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { callApi, type ApiAnswer } from './call-api.ts'
import { connectAgent } from './connect-agent.ts'
import { eventually } from './eventually.ts'
import { build, buildEnded, createTemplate, uniqueName } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { openWatch } from './watch-events.ts'

/** What the published page says about a value: type, enumeration text, whether it is optional. */
type Shape = string | readonly [Shape] | { readonly [field: string]: Shape }

const APP: Shape = {
  'command?': 'string',
  display_name: 'string',
  external: 'boolean',
  health: 'string',
  healthcheck: { interval: 'number', threshold: 'number', url: 'string' },
  'icon?': 'string',
  id: 'uuid',
  sharing_level: 'string',
  slug: 'string',
  subdomain: 'boolean',
  url: 'string',
}

const AGENT: Shape = {
  apps: [APP],
  architecture: 'string',
  connection_timeout_seconds: 'number',
  created_at: 'time',
  'directory?': 'string',
  'disconnected_at?': 'time',
  environment_variables: 'map',
  'first_connected_at?': 'time',
  id: 'uuid',
  'instance_id?': 'string',
  'last_connected_at?': 'time',
  'latency?': 'map',
  name: 'string',
  operating_system: 'string',
  resource_id: 'uuid',
  'startup_script?': 'string',
  status: 'string',
  troubleshooting_url: 'string',
  updated_at: 'time',
  version: 'string',
}

const RESOURCE: Shape = {
  'agents?': [AGENT],
  created_at: 'time',
  daily_cost: 'number',
  hide: 'boolean',
  icon: 'string',
  id: 'uuid',
  job_id: 'uuid',
  'metadata?': [{ key: 'string', sensitive: 'boolean', value: 'string' }],
  name: 'string',
  type: 'string',
  workspace_transition: 'string',
}

const BUILD: Shape = {
  build_number: 'number',
  created_at: 'time',
  daily_cost: 'number',
  deadline: 'time or null',
  id: 'uuid',
  initiator_id: 'uuid',
  initiator_name: 'string',
  job: {
    'canceled_at?': 'time',
    'completed_at?': 'time',
    created_at: 'time',
    'error?': 'string',
    file_id: 'uuid',
    id: 'uuid',
    'started_at?': 'time',
    status: 'string',
    tags: 'map',
    'worker_id?': 'uuid',
  },
  reason: 'string',
  resources: [RESOURCE],
  status: 'string',
  template_version_id: 'uuid',
  template_version_name: 'string',
  transition: 'string',
  updated_at: 'time',
  workspace_id: 'uuid',
  workspace_name: 'string',
  workspace_owner_id: 'uuid',
  workspace_owner_name: 'string',
}

const WORKSPACE: Shape = {
  'autostart_schedule?': 'string',
  created_at: 'time',
  id: 'uuid',
  last_used_at: 'time',
  latest_build: BUILD,
  name: 'string',
  outdated: 'boolean',
  owner_id: 'uuid',
  owner_name: 'string',
  template_allow_user_cancel_workspace_jobs: 'boolean',
  template_display_name: 'string',
  template_icon: 'string',
  template_id: 'uuid',
  template_name: 'string',
  'ttl_ms?': 'number',
  updated_at: 'time',
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{0,5}[1-9])?Z$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  time: (value) => typeof value === 'string' && TIME.test(value),
  'time or null': (value) => value === null || (typeof value === 'string' && TIME.test(value)),
  uuid: (value) => typeof value === 'string' && UUID.test(value),
  map: (value) => value === null || (typeof value === 'object' && Object.values(value).every((entry) => typeof entry === 'string')),
}

/** Lists how a value differs from the page: wrong types, missing fields and unknown fields. */
function differences(value: unknown, shape: Shape, path = ''): string[] {
  if (typeof shape === 'string') return FITS[shape]?.(value) === true ? [] : [`${path} is no ${shape}: ${JSON.stringify(value)}`]
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is no list`]
    return value.flatMap((entry, index) => differences(entry, (shape as readonly [Shape])[0], `${path}[${index}]`))
  }
  const fields = Object.entries(shape as Readonly<Record<string, Shape>>)
  const known = new Set(fields.map(([field]) => field.replace('?', '')))
  const given = Object(value) as Record<string, unknown>
  return [
    ...Object.keys(given)
      .filter((field) => !known.has(field))
      .map((field) => `${path}.${field} is not on the page`),
    ...fields.flatMap(([field, inner]) => {
      const name = field.replace('?', '')
      if (name in given) return differences(given[name], inner, `${path}.${name}`)
      return field.endsWith('?') ? [] : [`${path}.${name} is missing`]
    }),
  ]
}

const TOKEN = randomUUID()
let server: TestServer
let template: Template
beforeAll(async () => {
  server = await startTestServer()
  const apps = [
    {
      slug: 'web',
      display_name: 'Web',
      command: 'x',
      icon: '/web.svg',
      url: 'http://localhost',
      healthcheck: { url: 'http://localhost', interval: 1, threshold: 2 },
    },
  ]
  const agent = {
    name: 'main',
    token: TOKEN,
    directory: '/home',
    startup_script: 'true',
    env: { A: 'b' },
    architecture: 'amd64',
    operating_system: 'linux',
    apps,
  }
  const resources = [
    { name: 'box', type: 'machine', agents: [agent, { name: 'cloud', instance_id: 'i-1' }], metadata: [{ key: 'k', value: 'v' }] },
  ]
  template = await createTemplate(server, { apply: [{ complete: { resources } }] }, { allow_user_cancel_workspace_jobs: true })
})
afterAll(async () => await server.stop())

/** The request curl sends for the page's sample: its own headers, the sample's, and any body. */
async function curl(line: string, headers: Readonly<Record<string, string>>, body?: unknown): Promise<ApiAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return await callApi(server, line, {
    token: null,
    headers: {
      'User-Agent': 'curl/8.5.0',
      ...headers,
      'Coder-Session-Token': server.firstUser.token,
      ...(text !== undefined && { 'Content-Length': String(text.length) }),
    },
    ...(text !== undefined && { body: text }),
  })
}

const ACCEPT = { Accept: 'application/json' }
const CONTENT = { 'Content-Type': 'application/json' }

async function create(fields: object = {}): Promise<ApiAnswer> {
  const line = `POST /organizations/${server.firstUser.organization_id}/members/testuser/workspaces`
  return await curl(line, ACCEPT, { template_id: template.id, name: uniqueName('page'), ...fields })
}

test('create workspace by organization', async () => {
  verifies('api-page:create', 'api-page:curl')
  const { status, headers, json } = await create({ autostart_schedule: '30 9 * * 1-5', ttl_ms: 3_600_000 })
  expect([status, headers['content-type']]).toEqual([201, 'application/json; charset=utf-8'])
  expect(differences(json, WORKSPACE)).toEqual([])
  expect(json).toMatchObject({
    autostart_schedule: '30 9 * * 1-5',
    ttl_ms: 3_600_000,
    latest_build: { build_number: 1, transition: 'start', status: 'pending' },
  })
  expect((await curl(`POST /organizations/${server.firstUser.organization_id}/members/testuser/workspaces`, ACCEPT)).status).toBe(400)
  // Agents of this template share a token, and the newest one has it.
  await buildEnded(server.client, json.latest_build.id)
})

// oxlint-disable-next-line typescript/no-explicit-any -- what the test expects of it is what it checks
function agentOf({ json }: ApiAnswer): any {
  return json.latest_build.resources[0].agents[0]
}

test('get workspace metadata by owner and workspace name, and by id', async () => {
  verifies('api-page:get-by-owner-and-name', 'api-page:get', 'api-page:curl')
  const { json: workspace } = await create()
  await buildEnded(server.client, workspace.latest_build.id)
  const leave = await connectAgent(server, TOKEN)
  onTestFinished(leave)
  const read = async (): Promise<ApiAnswer> => await curl(`GET /workspaces/${workspace.id}`, ACCEPT)
  await eventually(async () => (agentOf(await read()).status === 'connected' ? true : undefined))
  leave()
  await eventually(async () => (agentOf(await read()).status === 'disconnected' ? true : undefined))
  const byId = await read()
  const byName = await curl(`GET /users/testuser/workspace/${workspace.name}`, ACCEPT)
  expect([byId.status, byName.status]).toEqual([200, 200])
  expect(byName.json).toEqual(byId.json)
  expect(differences(byId.json, WORKSPACE)).toEqual([])
  // Everything that the page shows of an agent and an app is there when it has a value.
  expect(agentOf(byId)).toMatchObject({
    first_connected_at: expect.any(String),
    last_connected_at: expect.any(String),
    disconnected_at: expect.any(String),
    directory: '/home',
  })
  expect(byId.json.latest_build.resources[0].agents[1]).toMatchObject({ instance_id: 'i-1' })
  expect(byId.json.latest_build.job).toMatchObject({
    started_at: expect.any(String),
    completed_at: expect.any(String),
    worker_id: expect.any(String),
  })
  await build(server.client, workspace.id, 'delete')
  for (const line of [`GET /workspaces/${workspace.id}`, `GET /users/testuser/workspace/${workspace.name}`])
    expect((await curl(`${line}?include_deleted=true`, ACCEPT)).json).toMatchObject({
      id: workspace.id,
      latest_build: { status: 'deleted' },
    })
})

test('list workspaces, by each of the five parameters and each value on the page', async () => {
  verifies('api-page:list', 'api-page:curl')
  const { json: workspace } = await create()
  await buildEnded(server.client, workspace.latest_build.id)
  const { status, json } = await curl('GET /workspaces', ACCEPT)
  expect(status).toBe(200)
  expect(Object.keys(json).toSorted((a, b) => a.localeCompare(b))).toEqual(['count', 'workspaces'])
  expect(json.count).toBe(json.workspaces.length)
  for (const one of json.workspaces) expect(differences(one, WORKSPACE)).toEqual([])
  for (const query of [
    `name=${workspace.name}`,
    `owner=testuser&name=${workspace.name}`,
    `template=${template.name}&name=${workspace.name}&status=running&has_agent=connecting`,
  ])
    expect((await curl(`GET /workspaces?${query}`, ACCEPT)).json, query).toMatchObject({ count: 1, workspaces: [{ id: workspace.id }] })
  for (const value of ['pending', 'running', 'stopping', 'stopped', 'failed', 'canceling', 'canceled', 'deleted', 'deleting'])
    expect((await curl(`GET /workspaces?status=${value}`, ACCEPT)).status, value).toBe(200)
  for (const value of ['connected', 'connecting', 'disconnected', 'timeout'])
    expect((await curl(`GET /workspaces?has_agent=${value}`, ACCEPT)).status, value).toBe(200)
})

test('update workspace metadata, autostart schedule and TTL by id: 204 without a body', async () => {
  verifies('api-page:rename', 'api-page:autostart', 'api-page:ttl', 'api-page:curl')
  const { json: workspace } = await create()
  const name = uniqueName('renamed')
  for (const [line, body] of [
    [`PATCH /workspaces/${workspace.id}`, { name }],
    [`PUT /workspaces/${workspace.id}/autostart`, { schedule: '30 9 * * 1-5' }],
    [`PUT /workspaces/${workspace.id}/ttl`, { ttl_ms: 3_600_000 }],
  ] as const) {
    const { status, text, headers } = await curl(line, CONTENT, body)
    expect([status, text, headers['content-type']]).toEqual([204, '', 'application/json; charset=utf-8'])
  }
  expect((await curl(`GET /workspaces/${workspace.id}`, ACCEPT)).json).toMatchObject({
    name,
    autostart_schedule: '30 9 * * 1-5',
    ttl_ms: 3_600_000,
  })
})

test('extend workspace deadline by id', async () => {
  verifies('api-page:extend', 'api-page:curl')
  const { json: workspace } = await create({ ttl_ms: 3_600_000 })
  await buildEnded(server.client, workspace.latest_build.id)
  const extend = async (deadline: string): Promise<ApiAnswer> =>
    await curl(`PUT /workspaces/${workspace.id}/extend`, { ...CONTENT, ...ACCEPT }, { deadline })
  const { status, json } = await extend('2099-08-24T14:15:22Z')
  expect(status).toBe(200)
  const ENVELOPE = { 'detail?': 'string', message: 'string', 'validations?': [{ detail: 'string', field: 'string' }] } as const
  expect(differences(json, ENVELOPE)).toEqual([])
  expect((await curl(`GET /workspaces/${workspace.id}`, ACCEPT)).json.latest_build.deadline).toBe('2099-08-24T14:15:22Z')
  expect(differences((await extend('0001-01-01T00:00:00Z')).json, ENVELOPE)).toEqual([])
})

test('watch workspace by id', async () => {
  verifies('api-page:watch', 'api-page:curl')
  const { json: workspace } = await create()
  const watching = await openWatch(server, workspace.id)
  onTestFinished(watching.close)
  expect(watching.response.headers['content-type']).toBe('text/event-stream')
  await curl(`PATCH /workspaces/${workspace.id}`, CONTENT, { name: uniqueName('watched') })
  expect(differences(await watching.next(({ name }) => name.startsWith('watched')), WORKSPACE)).toEqual([])
})
