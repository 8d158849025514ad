import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createServer } from '../src/create-server.ts'
import { isSealed } from '../src/secrets/secret-box.ts'
import { build, buildEnded, createTemplate, createWorkspace } from './factories.ts'
import { runSql } from './run-sql.ts'
import { TEST_SECRET_KEY, startTestServer, testConfig, type TestServer } from './start-test-server.ts'

const SECRET = 'hunter2-is-a-secret'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const bytes = (value: unknown): Buffer => {
  if (!Buffer.isBuffer(value)) throw new Error('expected bytes')
  return value
}

test('the state of the provisioner is sealed in the database, and is what it was for who may read it', async () => {
  verifies('berth:secrets:at-rest')
  const template = await createTemplate(server, { apply: [{ complete: { state: Buffer.from(SECRET) } }] })
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
  const stopped = await build(server.client, workspace.id, 'stop')
  const rows = await runSql(server, 'select provisioner_state from workspace_builds where workspace_id = $1', [workspace.id])
  expect(rows).toHaveLength(2)
  for (const { provisioner_state } of rows) {
    expect(isSealed(bytes(provisioner_state))).toBe(true)
    expect(bytes(provisioner_state).includes(SECRET)).toBe(false)
  }
  const state = await server.client.builds.state({ params: { workspacebuild: stopped.id } })
  expect(Buffer.from(state).toString()).toBe(SECRET)
})

test('a state that was stored in clear before is read', async () => {
  const workspace = await createWorkspace(server, await createTemplate(server))
  await buildEnded(server.client, workspace.latest_build.id)
  await runSql(server, 'update workspace_builds set provisioner_state = $1 where workspace_id = $2', [
    Buffer.from('{"old":1}'),
    workspace.id,
  ])
  const state = await server.client.builds.state({ params: { workspacebuild: workspace.latest_build.id } })
  expect(Buffer.from(state).toString()).toBe('{"old":1}')
})

test('values of parameters are nowhere in clear', async () => {
  verifies('berth:secrets:at-rest')
  const template = await createTemplate(server, {
    parse: [
      {
        complete: {
          parameter_schemas: [
            {
              name: 'password',
              default_source_scheme: 'data',
              default_source_value: 'default',
              allow_override_source: true,
              redisplay_value: false,
            },
          ],
        },
      },
    ],
  })
  await server.client.workspaces.create({
    params: { organization: server.firstUser.organization_id, user: 'me' },
    body: {
      template_id: template.id,
      name: 'with-password',
      parameter_values: [{ name: 'password', source_scheme: 'data', source_value: SECRET, destination_scheme: 'provisioner_variable' }],
    },
  })
  const [row] = await runSql(server, `select source_value, sealed_value from parameter_values where name = 'password'`)
  expect(row?.['source_value']).toBe('')
  expect(isSealed(bytes(row?.['sealed_value']))).toBe(true)
  expect(bytes(row?.['sealed_value']).includes(SECRET)).toBe(false)
})

test('a server with another key does not start on the database, and says what to do; with its key besides, it does', async () => {
  verifies('berth:secrets:wrong-key')
  const directory = await mkdtemp(join(tmpdir(), 'berth-other-'))
  try {
    const start = async (secretKeys: readonly Buffer[] | undefined): Promise<void> => {
      const config = testConfig({ directory, databaseUrl: server.databaseUrl, overrides: { secretKeys, provisionerDaemons: 0 } })
      const other = await createServer(config, { logger: pino({ level: 'silent' }) })
      await other.stop()
    }
    const key = randomBytes(32)
    await expect(start([key])).rejects.toThrow(
      "The key from BERTH_SECRET_KEY isn't the one that encrypted the secrets in the database. Restore the database's key file, or set BERTH_SECRET_KEY to its keys.",
    )
    await expect(start(undefined)).rejects.toThrow(`The key from ${join(directory, 'secret.key')} isn't the one that encrypted the secrets`)
    expect(await readFile(join(directory, 'secret.key'), 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=$/m)
    await writeFile(join(directory, 'secret.key'), 'nonsense')
    await expect(start(undefined)).rejects.toThrow('secret.key must hold keys of 32 bytes in base64, one per line.')
    await start([key, TEST_SECRET_KEY])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
