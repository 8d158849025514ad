import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildEnded, createTemplate, createWorkspace } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

test('a new workspace is pending, and running once its build has ended', async () => {
  const template = await createTemplate(server)
  const workspace = await createWorkspace(server, template)
  expect(workspace.latest_build.status).toBe('pending')
  const build = await buildEnded(server.client, workspace.latest_build.id)
  expect(build.status).toBe('running')
  const list = await server.client.workspaces.list()
  expect(list.count).toBe(1)
})
