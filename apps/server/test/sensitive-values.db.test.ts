import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { ProvisionError, type Driver, type Resource } from '@berth/provisioner'
import { verifies } from '@berth/requirements'
import type { Template, Workspace } from '@berth/schema'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildEnded, uniqueName } from './factories.ts'
import { eventually } from './eventually.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

/** Has a quote and a line break, which JSON and logs spell differently. */
const CANARY = 'canary-9f3c"\nsecond-canary-line'
const FRAGMENTS = ['canary-9f3c', 'second-canary-line']
const MASK = '********'
const PORT = 8080

const text = (value: string) => `before ${value} after`

/** Puts the value into everything that a template may fill. */
function resourcesWith(value: string, token: string): Resource[] {
  const app = { slug: 'web', display_name: text(value), command: text(value), icon: '/icon.svg' }
  const url = `http://localhost:${PORT}/?token=${encodeURIComponent(value)}`
  return [
    {
      name: 'box',
      type: 'machine',
      hide: false,
      icon: '',
      instance_type: text(value),
      daily_cost: 0,
      metadata: [
        { key: 'shown', value: text(value), sensitive: false, is_null: false },
        { key: 'sensitive', value: 'canary-9f3c of its own', sensitive: true, is_null: false },
        { key: 'empty', value: '', sensitive: true, is_null: false },
      ],
      agents: [
        {
          id: 'agent',
          name: 'main',
          env: { WHOLE: value, INSIDE: text(value), PLAIN: 'plain' },
          startup_script: `login --password '${value}'`,
          operating_system: 'linux',
          architecture: 'amd64',
          directory: `/home/${value}`,
          token,
          connection_timeout_seconds: 0,
          troubleshooting_url: `https://help.example.com/?token=${encodeURIComponent(value)}`,
          motd_file: `/etc/${value}`,
          apps: [
            {
              ...app,
              url,
              subdomain: false,
              sharing_level: 'owner',
              external: false,
              healthcheck: { url, interval: 5, threshold: 3 },
            },
          ],
        },
      ],
    },
  ]
}

const tokens = new Map<string, string>()

const driver: Driver = {
  type: 'echo',
  parse: async () =>
    await Promise.resolve({
      parameter_schemas: [
        {
          name: 'password',
          description: '',
          default_source_scheme: 'none',
          default_source_value: '',
          allow_override_source: true,
          default_destination_scheme: 'provisioner_variable',
          allow_override_destination: false,
          redisplay_value: false,
          validation_type_system: 'none',
          validation_value_type: '',
          validation_error: '',
          validation_condition: '',
        },
      ],
    }),
  async plan({ parameter_values, metadata, log }) {
    const value = parameter_values[0]?.value ?? ''
    await log('info', `planning with ${JSON.stringify(value)}`)
    for (const line of text(value).split('\n')) await log('info', line)
    return { resources: resourcesWith(value, tokenOf(metadata.workspace_name)) }
  },
  async apply({ parameter_values, metadata }) {
    const value = parameter_values[0]?.value ?? ''
    if (metadata.workspace_name.startsWith('fails')) throw new ProvisionError(`the password ${JSON.stringify(value)} is wrong: ${value}`)
    return { resources: resourcesWith(value, tokenOf(metadata.workspace_name)), state: Buffer.from(value) }
  },
}

function tokenOf(workspace: string): string {
  const token = tokens.get(workspace) ?? randomUUID()
  tokens.set(workspace, token)
  return token
}

const logged: string[] = []
const answered: string[] = []

let server: TestServer
let template: Template
beforeAll(async () => {
  const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => (logged.push(chunk.toString('utf8')), done()) })
  server = await startTestServer({ drivers: [driver], logger: pino({ level: 'trace' }, sink) })
  const { client, firstUser } = server
  const version = await client.templateVersions.create({
    params: { organization: firstUser.organization_id },
    body: {
      storage_method: 'file',
      file_id: (await client.files.upload({ body: Buffer.alloc(1024) })).hash,
      provisioner: 'echo',
      parameter_values: [PASSWORD],
    },
  })
  await eventually(async () => {
    const { job } = await client.templateVersions.get({ params: { templateversion: version.id } })
    return job.completed_at === undefined ? undefined : job
  })
  template = await client.templates.create({
    params: { organization: firstUser.organization_id },
    body: { name: uniqueName('template'), template_version_id: version.id },
  })
})
afterAll(async () => await server.stop())

const PASSWORD = { name: 'password', source_scheme: 'data', source_value: CANARY, destination_scheme: 'provisioner_variable' } as const

async function workspaceOf(name: string): Promise<Workspace> {
  const workspace = await server.client.workspaces.create({
    params: { organization: server.firstUser.organization_id, user: 'me' },
    body: { template_id: template.id, name, parameter_values: [PASSWORD] },
  })
  await buildEnded(server.client, workspace.latest_build.id)
  return await server.client.workspaces.get({ params: { workspace: workspace.id } })
}

/** Reads a path as the owner of everything. */
async function read(path: string): Promise<unknown> {
  const response = await fetch(`${server.url}/api/v2${path}`, { headers: { 'Coder-Session-Token': server.firstUser.token } })
  const body = await response.text()
  answered.push(`${path}: ${body}`)
  expect([path, response.status]).toEqual([path, 200])
  return JSON.parse(body)
}

/** Every row of every table as text, with bytes as text too. */
async function dump(): Promise<string[]> {
  const columns = await runSql(
    server,
    `select table_name, column_name from information_schema.columns where table_schema = 'public'
       and data_type in ('text', 'json', 'jsonb', 'bytea', 'ARRAY') and table_name in (select tablename from pg_tables where schemaname = 'public')`,
  )
  const all: string[] = []
  for (const { table_name, column_name } of columns) {
    const rows = await runSql(server, `select "${String(column_name)}" as value from "${String(table_name)}"`)
    for (const { value } of rows) {
      const shown = Buffer.isBuffer(value) ? value.toString('latin1') : typeof value === 'string' ? value : JSON.stringify(value)
      all.push(`${String(table_name)}.${String(column_name)}: ${shown}`)
    }
  }
  return all
}

const leaks = (texts: readonly string[]): string[] => texts.filter((one) => FRAGMENTS.some((fragment) => one.includes(fragment)))

test('a sensitive value is in no table, log, answer or audit entry, and the agent has it', async () => {
  verifies('berth:secrets:sensitive-values')
  const workspace = await workspaceOf('works')
  const failed = await workspaceOf('fails')
  const { id: version } = { id: template.active_version_id }
  const dryRun = await server.client.dryRuns.create({
    params: { templateversion: version },
    body: { workspace_name: 'dry', parameter_values: [PASSWORD] },
  })
  await eventually(async () => {
    const { completed_at } = await server.client.dryRuns.get({ params: { templateversion: version, dryrun: dryRun.id } })
    return completed_at
  })
  const [agent] = workspace.latest_build.resources[0]?.agents ?? []
  for (const path of [
    '/workspaces',
    `/workspaces/${workspace.id}`,
    `/workspaces/${failed.id}`,
    `/workspaces/${workspace.id}/builds`,
    `/workspacebuilds/${workspace.latest_build.id}`,
    `/workspacebuilds/${workspace.latest_build.id}/resources`,
    `/workspacebuilds/${workspace.latest_build.id}/logs`,
    `/workspacebuilds/${failed.latest_build.id}/logs`,
    `/workspaceagents/${agent?.id}`,
    `/templateversions/${version}/resources`,
    `/templateversions/${version}/parameters`,
    `/templateversions/${version}/schema`,
    `/templateversions/${version}/logs`,
    `/templateversions/${version}/dry-run/${dryRun.id}`,
    `/templateversions/${version}/dry-run/${dryRun.id}/resources`,
    `/templateversions/${version}/dry-run/${dryRun.id}/logs`,
    `/parameters/workspace/${workspace.id}`,
    `/audit?limit=100`,
  ])
    await read(path)
  expect(leaks(answered)).toEqual([])
  const stored = await dump()
  expect(stored.filter((one) => one.includes('PLAIN')).length).toBeGreaterThan(0)
  expect(leaks(stored)).toEqual([])
  expect(logged.length).toBeGreaterThan(0)
  expect(leaks(logged)).toEqual([])

  expect(failed.latest_build.job.error).toBe(`the password "${MASK}" is wrong: ${MASK}`)
  expect(workspace.latest_build.resources[0]?.metadata).toEqual([
    { key: 'shown', value: text(MASK), sensitive: false },
    { key: 'sensitive', value: MASK, sensitive: true },
    { key: 'empty', value: '', sensitive: true },
  ])
  expect(agent).toMatchObject({
    environment_variables: { WHOLE: MASK, INSIDE: text(MASK), PLAIN: 'plain' },
    startup_script: `login --password '${MASK}'`,
  })
  const [given] = resourcesWith(CANARY, '')[0]?.agents ?? []
  expect(await server.clientFor(tokens.get('works')).agents.metadata()).toMatchObject({
    environment_variables: given?.env,
    startup_script: given?.startup_script,
    directory: given?.directory,
    motd_file: given?.motd_file,
    apps: [{ slug: 'web', url: given?.apps[0]?.url, command: given?.apps[0]?.command, healthcheck: given?.apps[0]?.healthcheck }],
  })
})

test('agents that were stored in clear are hidden when the next server starts, and go on', async () => {
  verifies('berth:secrets:sensitive-values')
  const { latest_build } = await workspaceOf('old')
  const [agent] = latest_build.resources[0]?.agents ?? []
  await runSql(
    server,
    `update workspace_agents set hides_secrets = false, sealed_values = null, environment_variables = $2, startup_script = $3 where id = $1`,
    [agent?.id, JSON.stringify({ WHOLE: CANARY }), `login '${CANARY}'`],
  )
  await runSql(server, `update workspace_resource_metadata set value = $2 where workspace_resource_id = $1`, [agent?.resource_id, CANARY])
  const next = await startAnotherServer(server, { config: { provisionerDaemons: 0 } })
  await next.stop()
  expect(leaks(await dump())).toEqual([])
  const [shown] = await runSql(server, 'select environment_variables, startup_script from workspace_agents where id = $1', [agent?.id])
  expect(shown).toEqual({ environment_variables: { WHOLE: MASK }, startup_script: MASK })
  expect(await server.clientFor(tokens.get('old')).agents.metadata()).toMatchObject({
    environment_variables: { WHOLE: CANARY },
    startup_script: `login '${CANARY}'`,
  })
  const [{ waiting } = {}] = await runSql(server, 'select count(*)::int as waiting from workspace_agents where not hides_secrets')
  expect(waiting).toBe(0)
})
