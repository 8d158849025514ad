import { echoArchive } from '@berth/provisioner/testing'
import { verifies } from '@berth/requirements'
import type { Template } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { createMember, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

/** Two requests that ask for a name: both to create, or both to rename something of their own. */
type Race = (name: string) => Promise<readonly (readonly [line: string, body: object])[]>

let server: TestServer
let organization: string
let template: Template
beforeAll(async () => {
  server = await startTestServer()
  organization = server.firstUser.organization_id
  template = await createTemplate(server)
})
afterAll(async () => await server.stop())

const races: readonly [what: string, race: Race][] = [
  ['users', async (name) => [await userRename(name), await userRename(name.toUpperCase())]],
  ['groups', async (name) => [newGroup(name), newGroup(name.toUpperCase())]],
  ['groups that are renamed', async (name) => [await groupRename(name), await groupRename(name)]],
  ['templates that are renamed', async (name) => [await templateRename(name), await templateRename(name)]],
  ['versions of a template', newVersions],
  ['workspaces that are renamed', workspaceRenames],
  ['parameters of a template', async (name) => newParameters(name)],
]

test.each(races)('of two %s that ask for a name at once, one gets it and the other 409', async (_what, race) => {
  verifies('berth:names:one-winner')
  const requests = await race(uniqueName('race'))
  const answers = await Promise.all(requests.map(async ([line, body]) => await callApi(server, line, { body })))
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
  expect(statuses[0]).toBeLessThan(300)
  expect(statuses[1]).toBe(409)
})

async function userRename(username: string): Promise<readonly [string, object]> {
  return [`PUT /users/${(await createMember(server)).id}/profile`, { username }]
}

function newGroup(name: string): readonly [string, object] {
  return [`POST /organizations/${organization}/groups`, { name }]
}

async function groupRename(name: string): Promise<readonly [string, object]> {
  const { id } = await server.client.groups.create({ params: { organization }, body: { name: uniqueName('group') } })
  return [`PATCH /groups/${id}`, { name }]
}

async function templateRename(name: string): Promise<readonly [string, object]> {
  return [`PATCH /templates/${(await createTemplate(server)).id}`, { name }]
}

async function newVersions(name: string): Promise<readonly (readonly [string, object])[]> {
  const { hash } = await server.client.files.upload({ body: echoArchive() })
  const body = { name, template_id: template.id, storage_method: 'file', file_id: hash, provisioner: 'echo' }
  const line = `POST /organizations/${organization}/templateversions`
  return [
    [line, body],
    [line, body],
  ]
}

async function workspaceRenames(name: string): Promise<readonly (readonly [string, object])[]> {
  const one = await createWorkspace(server, template)
  const other = await createWorkspace(server, template)
  return [
    [`PATCH /workspaces/${one.id}`, { name }],
    [`PATCH /workspaces/${other.id}`, { name: name.toUpperCase() }],
  ]
}

function newParameters(name: string): readonly (readonly [string, object])[] {
  const body = { name, source_value: 'x', source_scheme: 'data', destination_scheme: 'environment_variable' }
  const line = `POST /parameters/template/${template.id}`
  return [
    [line, body],
    [line, body],
  ]
}
