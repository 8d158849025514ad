import { randomBytes } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { buildEnded, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const TABLES = ['files', 'users', 'workspaces', 'workspace_builds', 'groups', 'audit_logs', 'api_keys', 'gitsshkeys']

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

/** Lets the database fail every write of these tables as PostgreSQL does when its disk is full. */
async function fillDisk(): Promise<void> {
  await runSql(
    server,
    `create function fail_full() returns trigger language plpgsql as $$ begin
       raise exception 'could not extend file "base/16384/16385": No space left on device' using errcode = '53100';
     end $$`,
  )
  for (const table of TABLES)
    await runSql(server, `create trigger full_disk before insert or update or delete on ${table} execute function fail_full()`)
}

async function freeDisk(): Promise<void> {
  await runSql(server, 'drop function fail_full cascade')
}

test('while the disk is full, writes are 507 with a sentence, reads go on, and writes work again afterwards', async () => {
  verifies('storage:full')
  const { organization_id: organization } = server.firstUser
  const workspace = await createWorkspace(server, await createTemplate(server))
  const writes: readonly [line: string, body: unknown, headers?: Record<string, string>][] = [
    ['POST /files', randomBytes(64), { 'Content-Type': 'application/x-tar' }],
    ['POST /users', { email: 'full@example.com', username: 'full', password: 'testpass', organization_id: organization }],
    ['POST /users/me/keys', {}],
    ['PUT /users/me/gitsshkey', {}],
    [`POST /organizations/${organization}/groups`, { name: uniqueName() }],
    [`PUT /workspaces/${workspace.id}/ttl`, { ttl_ms: 3_600_000 }],
    [`POST /workspaces/${workspace.id}/builds`, { transition: 'stop' }],
  ]
  await buildEnded(server.client, workspace.latest_build.id)
  await fillDisk()
  for (const [line, body, headers = {}] of writes) {
    const { status, json } = await callApi(server, line, { body, headers })
    expect([line, status, json]).toEqual([line, 507, { message: expect.stringMatching(/^The disk .* is full\. .*\.$/) as string }])
  }
  expect((await callApi(server, `GET /workspaces/${workspace.id}`)).status).toBe(200)
  await freeDisk()
  for (const [line, body, headers = {}] of writes)
    expect([line, (await callApi(server, line, { body, headers })).status < 300]).toEqual([line, true])
})
