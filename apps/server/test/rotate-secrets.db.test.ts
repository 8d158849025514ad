import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecrets } from '../src/secrets/rotate-secrets.ts'
import { givenKeys } from '../src/secrets/key-file.ts'
import { sealedColumns } from '../src/secrets/reseal.ts'
import { SecretBox } from '../src/secrets/secret-box.ts'
import { eventually } from './eventually.ts'
import { buildEnded, createTemplate, createWorkspace } from './factories.ts'
import { createAgent } from './fake-agent.ts'
import { runSql } from './run-sql.ts'
import { TEST_SECRET_KEY, startTestServer, testConfig, type TestServer } from './start-test-server.ts'

const logger = pino({ level: 'silent' })
const STATE = '{"made":["a machine"]}'

let directory: string
let server: TestServer
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-rotation-'))
  server = await startTestServer({ config: { dataDirectory: directory, secretKeys: undefined } })
})
afterAll(async () => {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})

const keysInFile = async (): Promise<Buffer[]> =>
  (await readFile(join(directory, 'secret.key'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Buffer.from(line, 'base64'))

const stateOf = async (workspacebuild: string): Promise<string> =>
  Buffer.from(await server.client.builds.state({ params: { workspacebuild } })).toString()

/** How many values of a column the first of the keys did not seal. */
async function countOthers(key: Buffer): Promise<number> {
  const prefix = new SecretBox(givenKeys([key])).currentPrefix
  const counts = await Promise.all(
    sealedColumns.map(
      async ({ table, column }) =>
        await runSql(
          server,
          `select count(*)::int as n from ${table} where ${column} is not null and substring(${column} from 1 for 12) <> $1`,
          [prefix],
        ),
    ),
  )
  return counts.reduce((sum, [row]) => sum + Number(row?.['n']), 0)
}

test('with a key file, secrets get a new key while the server runs, those in clear too, and it goes on reading and writing them', async () => {
  verifies('berth:secrets:rotation')
  const config = testConfig({ directory, databaseUrl: server.databaseUrl, overrides: { secretKeys: undefined } })
  const template = await createTemplate(server, {
    parse: [
      {
        complete: {
          parameter_schemas: [
            { name: 'zone', default_source_scheme: 'data', default_source_value: 'x', allow_override_source: true, redisplay_value: true },
          ],
        },
      },
    ],
    apply: [{ complete: { state: Buffer.from(STATE) } }],
  })
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
  await runSql(server, 'update workspace_builds set provisioner_state = $1 where workspace_id = $2', [Buffer.from(STATE), workspace.id])
  await runSql(
    server,
    `insert into parameter_values (id, created_at, updated_at, scope, scope_id, name, source_scheme, source_value, destination_scheme)
     select gen_random_uuid(), now(), now(), 'workspace', $1, 'zone' || n, 'data', 'clear ' || n, 'provisioner_variable' from generate_series(1, 250) n`,
    [workspace.id],
  )
  const { client } = await createAgent(server)
  const key = await client.gitSshKeys.getOfAgent()
  const [old] = await keysInFile()

  expect(await rotateSecrets(config, logger)).toMatch(
    /^25\d secrets were encrypted again\. The new key is in .*secret\.key\. Keep a copy of it\.$/,
  )
  const [current = Buffer.alloc(0), previous] = await keysInFile()
  expect(previous).toEqual(old)
  expect(current).not.toEqual(old)
  expect(await countOthers(current)).toBe(0)
  expect(await runSql(server, `select 1 from parameter_values where source_value <> '' or sealed_value is null`)).toEqual([])
  expect(await client.gitSshKeys.getOfAgent()).toEqual(key)
  expect(await stateOf(workspace.latest_build.id)).toBe(STATE)

  await eventually(async () => {
    await server.client.gitSshKeys.regenerate({ params: { user: 'me' } })
    return (await countOthers(current)) === 0 || undefined
  })
  await rotateSecrets(config, logger)
  expect((await keysInFile()).slice(1)).toEqual([current])
  expect(await stateOf(workspace.latest_build.id)).toBe(STATE)
})

test('with keys of a setting, the first takes over, and doing it again does nothing', async () => {
  verifies('berth:secrets:rotation')
  const other = await startTestServer()
  try {
    const { client } = await createAgent(other)
    const key = await client.gitSshKeys.getOfAgent()
    const fresh = randomBytes(32)
    const configOf = (secretKeys: readonly Buffer[]) => testConfig({ directory, databaseUrl: other.databaseUrl, overrides: { secretKeys } })
    expect(await rotateSecrets(configOf([fresh, TEST_SECRET_KEY]), logger)).toMatch(
      /^[1-9]\d* secrets were encrypted again\. You can now remove all keys but the first from BERTH_SECRET_KEY\.$/,
    )
    expect(await rotateSecrets(configOf([fresh]), logger)).toMatch(/^0 secrets/)
    await expect(rotateSecrets(configOf([TEST_SECRET_KEY]), logger)).rejects.toThrow(
      "The key from BERTH_SECRET_KEY isn't the one that encrypted the secrets",
    )
    // And back, as the server that runs has only its own key.
    await rotateSecrets(configOf([TEST_SECRET_KEY, fresh]), logger)
    expect(await client.gitSshKeys.getOfAgent()).toEqual(key)
  } finally {
    await other.stop()
  }
})

test('what no key opens is told by its place and left alone', async () => {
  const [row] = await runSql(server, 'select user_id, sealed_private_key from gitsshkeys')
  const stored = row?.['sealed_private_key'] as Buffer // the column asked for
  const changed = Buffer.from(stored)
  changed.writeUInt8((stored.at(-1) ?? 0) ^ 1, stored.length - 1)
  await runSql(server, 'update gitsshkeys set sealed_private_key = $1', [changed])
  const config = testConfig({ directory, databaseUrl: server.databaseUrl, overrides: { secretKeys: undefined } })
  await expect(rotateSecrets(config, logger)).rejects.toThrow(
    `no key decrypts these: ["gitsshkeys","sealed_private_key","${String(row?.['user_id'])}"]`,
  )
})

const named = (table: unknown, column: unknown): string => `${String(table)}.${String(column)}`

test('every sealed column of the database is one that is encrypted anew', async () => {
  const rows = await runSql(
    server,
    `select table_name, column_name from information_schema.columns where table_schema = 'public' and (column_name like 'sealed\\_%' or column_name = 'provisioner_state')`,
  )
  expect(rows.map(({ table_name, column_name }) => named(table_name, column_name)).toSorted()).toEqual(
    sealedColumns.map(({ table, column }) => named(table, column)).toSorted(),
  )
})
