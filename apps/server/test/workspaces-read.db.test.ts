import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Template, Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { build, buildEnded, createMember, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const NOT_FOUND = { message: expect.stringContaining('Resource not found') }

let server: TestServer
let template: Template
beforeAll(async () => {
  server = await startTestServer()
  template = await createTemplate(server, {}, { icon: '/emojis/1f4e6.png', display_name: 'A box' })
})
afterAll(async () => await server.stop())

async function createRunning(name?: string): Promise<Workspace> {
  const workspace = await createWorkspace(server, template, name === undefined ? {} : { name })
  await buildEnded(server.client, workspace.latest_build.id)
  return workspace
}

async function createDeleted(name?: string): Promise<Workspace> {
  const workspace = await createRunning(name)
  await build(server.client, workspace.id, 'delete')
  return workspace
}

describe('by id', () => {
  test("a workspace carries its template's name, icon, display name and cancel flag", async () => {
    verifies('workspaces:get:template-fields')
    const workspace = await createRunning()
    expect((await callApi(server, `GET /workspaces/${workspace.id}`)).json).toMatchObject({
      template_name: template.name,
      template_icon: '/emojis/1f4e6.png',
      template_display_name: 'A box',
      template_allow_user_cancel_workspace_jobs: false,
    })
  })

  test('a deleted workspace is 410, and itself with include_deleted', async () => {
    verifies('workspaces:get:deleted', 'rulings:include-deleted')
    const { id, name } = await createDeleted()
    const gone = await callApi(server, `GET /workspaces/${id}`)
    expect([gone.status, gone.json.message]).toEqual([410, expect.stringContaining(id)])
    for (const flag of ['1', 't', 'T', 'true', 'TRUE', 'True']) {
      const { status, json } = await callApi(server, `GET /workspaces/${id}?include_deleted=${flag}`)
      expect([status, json.id, json.name, json.latest_build.status]).toEqual([200, id, name, 'deleted'])
    }
    for (const flag of ['0', 'f', 'F', 'false', 'FALSE', 'False', ''])
      expect((await callApi(server, `GET /workspaces/${id}?include_deleted=${flag}`)).status).toBe(410)
  })

  test('a live workspace is itself with include_deleted', async () => {
    verifies('workspaces:get:live-with-include-deleted')
    const { id } = await createRunning()
    const { status, json } = await callApi(server, `GET /workspaces/${id}?include_deleted=true`)
    expect([status, json.id]).toEqual([200, id])
  })

  test('an include_deleted that is no boolean is reported under the name that it has on this route', async () => {
    const { id } = await createRunning()
    const { status, json } = await callApi(server, `GET /workspaces/${id}?include_deleted=yes`)
    expect([status, json.validations]).toMatchObject([400, [{ field: 'deleted' }]])
  })

  test('no UUID is 400, an unknown one the generic 404', async () => {
    expect(await callApi(server, 'GET /workspaces/dev')).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('workspace') },
    })
    expect(await callApi(server, `GET /workspaces/${randomUUID()}`)).toMatchObject({ status: 404, json: NOT_FOUND })
  })

  test('any spelling of its UUID finds a workspace', async () => {
    const { id } = await createRunning()
    for (const spelling of [id.toUpperCase(), id.replaceAll('-', ''), `urn:uuid:${id}`, `{${id}}`])
      expect((await callApi(server, `GET /workspaces/${encodeURIComponent(spelling)}`)).json.id).toBe(id)
  })

  test('a workspace whose template was deleted meanwhile is still read', async () => {
    const own = await createTemplate(server)
    const workspace = await createWorkspace(server, own)
    await buildEnded(server.client, workspace.latest_build.id)
    await build(server.client, workspace.id, 'delete')
    await server.client.templates.delete({ params: { template: own.id } })
    expect((await callApi(server, `GET /workspaces/${workspace.id}?include_deleted=true`)).json.template_name).toBe(own.name)
  })
})

describe('by owner and name', () => {
  test('without a session the answer is 401, also for a name that does not exist', async () => {
    verifies('workspaces:by-name:signed-out')
    const { name } = await createRunning()
    for (const of of [name, 'nowhere']) expect((await callApi(server, `GET /users/me/workspace/${of}`, { token: null })).status).toBe(401)
  })

  test('me, the ID and the username of the owner find it, in any case', async () => {
    verifies('workspaces:by-name:me')
    const { id, name } = await createRunning(uniqueName('Some'))
    for (const user of ['me', 'testuser', 'TestUser', server.firstUser.user_id])
      for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
        const { status, json } = await callApi(server, `GET /users/${user}/workspace/${spelling}`)
        expect([status, json.id, json.name]).toEqual([200, id, name])
      }
  })

  test('an unknown user is 400, an unknown name the generic 404', async () => {
    expect((await callApi(server, 'GET /users/nobody/workspace/dev')).status).toBe(400)
    expect(await callApi(server, 'GET /users/me/workspace/nowhere')).toMatchObject({ status: 404, json: NOT_FOUND })
  })

  test('a deleted name is 404 and, with include_deleted, the youngest of that name; a living one hides them', async () => {
    verifies('workspaces:by-name:deleted', 'workspaces:by-name:newest-deleted')
    const name = uniqueName('again')
    const first = await createDeleted(name)
    const plain = `GET /users/me/workspace/${name}`
    expect(await callApi(server, plain)).toMatchObject({ status: 404, json: NOT_FOUND })
    expect((await callApi(server, `${plain}?include_deleted=true`)).json.id).toBe(first.id)
    const second = await createRunning(name)
    expect((await callApi(server, plain)).json.id).toBe(second.id)
    expect((await callApi(server, `${plain}?include_deleted=true`)).json.id).toBe(second.id)
    await build(server.client, second.id, 'delete')
    expect((await callApi(server, plain)).status).toBe(404)
    expect((await callApi(server, `${plain}?include_deleted=true`)).json.id).toBe(second.id)
  })

  test('include_deleted is for the workspace itself: the builds of a deleted one stay 404', async () => {
    const name = uniqueName('gone')
    await createDeleted(name)
    for (const query of ['', '?include_deleted=true', '?include_deleted=yes'])
      expect(await callApi(server, `GET /users/me/workspace/${name}/builds/1${query}`)).toMatchObject({ status: 404, json: NOT_FOUND })
  })

  test('an include_deleted that is no boolean is 400 under its own name', async () => {
    const { status, json } = await callApi(server, 'GET /users/me/workspace/nowhere?include_deleted=yes')
    expect([status, json.validations]).toMatchObject([400, [{ field: 'include_deleted' }]])
  })
})

test('outdated says that the newest build does not use the active version', async () => {
  const own = await createTemplate(server)
  const workspace = await createWorkspace(server, own)
  expect(workspace.outdated).toBe(false)
  await runSql(server, 'update templates set active_version_id = $2 where id = $1', [own.id, template.active_version_id])
  expect((await callApi(server, `GET /workspaces/${workspace.id}`)).json.outdated).toBe(true)
})

test('what a template brings is shown in its order, with every field', async () => {
  verifies('builds:resources:order')
  const agent = {
    name: 'main',
    operating_system: 'linux',
    architecture: 'amd64',
    directory: '/home/dev',
    env: { FOO: 'bar' },
    startup_script: 'true',
  }
  const apps = [
    {
      slug: 'web',
      display_name: 'Web',
      url: 'http://localhost:8080',
      subdomain: true,
      sharing_level: 'public' as const,
      icon: '/web.svg',
      healthcheck: { url: 'http://localhost/health', interval: 5, threshold: 6 },
    },
    { slug: 'ide', display_name: 'IDE', command: 'code', external: true },
  ]
  // What costs something is built only where there is a budget for it.
  await server.client.groups.update({ params: { group: server.firstUser.organization_id }, body: { quota_allowance: 3 } })
  const rich = await createTemplate(server, {
    apply: [
      {
        complete: {
          resources: [
            {
              name: 'some',
              type: 'example',
              icon: '/some.svg',
              hide: true,
              daily_cost: 3,
              agents: [
                { ...agent, apps },
                { name: 'second', troubleshooting_url: 'https://help', connection_timeout_seconds: 7 },
              ],
            },
            {
              name: 'another',
              type: 'example',
              metadata: [
                { key: 'z', value: '' },
                { key: 'a', value: 'secret', sensitive: true },
                { key: 'none', is_null: true },
              ],
            },
          ],
        },
      },
    ],
  })
  const workspace = await createWorkspace(server, rich)
  const ended = await buildEnded(server.client, workspace.latest_build.id)
  const { json } = await callApi(server, `GET /workspaces/${workspace.id}`)
  expect(json.latest_build).toEqual(ended)
  const [some, another] = json.latest_build.resources
  expect(some).toMatchObject({
    name: 'some',
    type: 'example',
    icon: '/some.svg',
    hide: true,
    daily_cost: 3,
    workspace_transition: 'start',
    job_id: ended.job.id,
  })
  expect(some).not.toHaveProperty('metadata')
  expect(some.agents).toMatchObject([
    {
      name: 'main',
      status: 'connecting',
      operating_system: 'linux',
      architecture: 'amd64',
      directory: '/home/dev',
      startup_script: 'true',
      environment_variables: { FOO: 'bar' },
      version: '',
      connection_timeout_seconds: 0,
      resource_id: some.id,
    },
    { name: 'second', environment_variables: null, apps: [], troubleshooting_url: 'https://help', connection_timeout_seconds: 7 },
  ])
  expect(some.agents[0].troubleshooting_url).not.toBe('')
  expect(some.agents[1]).not.toHaveProperty('startup_script')
  expect(some.agents[0].apps).toMatchObject([
    {
      slug: 'ide',
      display_name: 'IDE',
      command: 'code',
      url: '',
      external: true,
      subdomain: false,
      sharing_level: 'owner',
      health: 'disabled',
      healthcheck: { url: '', interval: 0, threshold: 0 },
    },
    {
      slug: 'web',
      display_name: 'Web',
      url: 'http://localhost:8080',
      icon: '/web.svg',
      subdomain: true,
      sharing_level: 'public',
      health: 'initializing',
      healthcheck: { url: 'http://localhost/health', interval: 5, threshold: 6 },
    },
  ])
  expect(another).toMatchObject({
    name: 'another',
    hide: false,
    icon: '',
    metadata: [
      { key: 'z', value: '', sensitive: false },
      { key: 'a', value: '********', sensitive: true },
    ],
  })
  expect(another).not.toHaveProperty('agents')
  const sorted = await callApi(server, `GET /workspacebuilds/${ended.id}/resources`)
  expect(sorted.json).toEqual([another, some])
})

test('two workspaces of two members are nobody else’s', async () => {
  const [one, two] = [await createMember(server), await createMember(server)]
  const [ofOne, ofTwo] = [
    await createWorkspace(server, template, { client: one.client }),
    await createWorkspace(server, template, { client: two.client }),
  ]
  expect((await callApi(server, `GET /workspaces/${ofOne.id}`, { token: one.token })).status).toBe(200)
  expect(await callApi(server, `GET /workspaces/${ofTwo.id}`, { token: one.token })).toMatchObject({ status: 404, json: NOT_FOUND })
  expect(await callApi(server, `GET /users/${two.username}/workspace/${ofTwo.name}`, { token: one.token })).toMatchObject({
    status: 404,
    json: NOT_FOUND,
  })
})
