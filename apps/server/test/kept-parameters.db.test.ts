import { verifies } from '@berth/requirements'
import type { CreateParameterRequest, Template, Workspace, WorkspaceBuild } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildEnded, createTemplate, createVersion, importEnded, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const parseWith = (default_source_value: string) => [
  {
    complete: {
      parameter_schemas: [
        {
          name: 'region',
          default_source_scheme: 'data',
          default_source_value,
          allow_override_source: true,
          redisplay_value: true,
        } as const,
        { name: 'size', default_source_scheme: 'data', default_source_value: 'small', allow_override_source: true } as const,
      ],
    },
  },
]

const give = (name: string, source_value: string): CreateParameterRequest => ({
  name,
  source_value,
  source_scheme: 'data',
  destination_scheme: 'environment_variable',
})

/** A template whose parameter `region` keeps its value, as only native templates can say. */
async function templateWithKeptRegion(): Promise<Template> {
  const template = await createTemplate(server, { parse: parseWith('north') })
  await keepRegion()
  return template
}

const keepRegion = async (): Promise<unknown> => await runSql(server, `update parameter_schemas set mutable = false where name = 'region'`)

async function create(template: Template, parameter_values: CreateParameterRequest[] = []): Promise<Workspace> {
  const workspace = await server.client.workspaces.create({
    params: { organization: server.firstUser.organization_id, user: 'me' },
    body: { template_id: template.id, name: uniqueName(), parameter_values },
  })
  await buildEnded(server.client, workspace.latest_build.id)
  return workspace
}

async function build(workspace: Workspace, parameter_values: CreateParameterRequest[], version?: string): Promise<WorkspaceBuild> {
  const { id } = await server.client.builds.create({
    params: { workspace: workspace.id },
    body: { transition: 'start', parameter_values, ...(version !== undefined && { template_version_id: version }) },
  })
  return await buildEnded(server.client, id)
}

test('a build that gives a kept parameter another value is refused and named; the same value and other parameters are fine', async () => {
  verifies('parameters:kept')
  const workspace = await create(await templateWithKeptRegion(), [give('region', 'south')])
  await expect(build(workspace, [give('size', 'big'), give('region', 'north')])).rejects.toMatchObject({
    status: 400,
    validations: [{ field: 'parameter_values[1].source_value', detail: expect.stringContaining('"region"') as string }],
  })
  expect((await build(workspace, [give('region', 'south'), give('size', 'big')])).job.status).toBe('succeeded')
})

test('a default counts as the value the workspace was created with, also when a new version has another', async () => {
  verifies('parameters:kept-default')
  const template = await templateWithKeptRegion()
  const workspace = await create(template)
  await expect(build(workspace, [give('region', 'south')])).rejects.toMatchObject({ status: 400 })
  const next = await createVersion(server, { parse: parseWith('south') }, template.id)
  await importEnded(server.client, next.id)
  await keepRegion()
  await expect(build(workspace, [give('region', 'south')], next.id)).rejects.toMatchObject({ status: 400 })
  expect((await build(workspace, [give('region', 'north')], next.id)).job.status).toBe('succeeded')
})

test('the value of a kept parameter is not taken from a workspace', async () => {
  verifies('parameters:kept')
  const workspace = await create(await templateWithKeptRegion(), [give('size', 'big')])
  const remove = async (parametername: string): Promise<unknown> =>
    await server.client.parameters.delete({ params: { parameterscope: 'workspace', scoped: workspace.id, parametername } })
  await expect(remove('region')).rejects.toMatchObject({ status: 400 })
  await remove('size')
})
