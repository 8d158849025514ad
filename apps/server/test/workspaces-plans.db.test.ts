import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Tables } from '../src/database/tables.gen.ts'
import { BuildStore } from '../src/features/builds/store.ts'
import { WorkspaceStore, type WorkspacePageQuery } from '../src/features/workspaces/store.ts'
import { givenKeys } from '../src/secrets/key-file.ts'
import { SecretBox } from '../src/secrets/secret-box.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
import { runSql } from './run-sql.ts'
import { nodesOf, statementsOf, type PlanNode } from './statements-of.ts'

const SECRETS = new SecretBox(givenKeys([Buffer.alloc(32)]))
const WORKSPACES = 2_000
const OWNERS = 40
const BUILDS_EACH = 3
const BIG_TABLES = ['workspaces', 'workspace_builds', 'provisioner_jobs', 'workspace_resources', 'workspace_agents', 'workspace_apps']

/** An ID made from a kind and a number. */
function uuid(kind: number, expression: string): string {
  return `('00000000-0000-4000-800${kind}-' || lpad((${expression})::text, 12, '0'))::uuid`
}

const ORGANIZATION = uuid(1, '1')
const OWNER = '00000000-0000-4000-8002-000000000007'

const SEED = [
  `insert into organizations (id, name, created_at, updated_at) select ${ORGANIZATION}, 'seed', now(), now()`,
  `insert into users (id, email, username, created_at, updated_at) select ${uuid(2, 'n')}, 'user' || n || '@example.com', 'user' || n, now(), now() from generate_series(1, ${OWNERS}) n`,
  `insert into files (id, hash, created_at, created_by, mimetype, data) select ${uuid(3, '1')}, '\\x00', now(), ${uuid(2, '1')}, 'application/x-tar', ''`,
  `insert into provisioner_jobs (id, created_at, updated_at, started_at, completed_at, organization_id, initiator_id, provisioner, type, file_id)
   select ${uuid(4, 'n')}, now(), now(), now(), now(), ${ORGANIZATION}, ${uuid(2, '1')}, 'echo', case when n = 0 then 'template_version_import'::provisioner_job_type else 'workspace_build' end, ${uuid(3, '1')}
   from generate_series(0, ${WORKSPACES * BUILDS_EACH}) n`,
  `insert into template_versions (id, organization_id, created_at, updated_at, name, job_id, created_by) select ${uuid(5, '1')}, ${ORGANIZATION}, now(), now(), 'v1', ${uuid(4, '0')}, ${uuid(2, '1')}`,
  `insert into templates (id, created_at, updated_at, organization_id, name, provisioner, active_version_id, created_by)
   select ${uuid(6, '1')}, now(), now(), ${ORGANIZATION}, 'seed', 'echo', ${uuid(5, '1')}, ${uuid(2, '1')}`,
  `insert into workspaces (id, created_at, updated_at, owner_id, organization_id, template_id, name, last_used_at)
   select ${uuid(7, 'n')}, now(), now(), ${uuid(2, `1 + n % ${OWNERS}`)}, ${ORGANIZATION}, ${uuid(6, '1')}, 'ws-' || n, now() - n * interval '1 minute' from generate_series(1, ${WORKSPACES}) n`,
  `insert into workspace_builds (id, created_at, updated_at, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
   select ${uuid(8, `n * ${BUILDS_EACH} + b`)}, now(), now(), ${uuid(7, 'n')}, ${uuid(5, '1')}, b, 'start', ${uuid(2, '1')}, ${uuid(4, `(n - 1) * ${BUILDS_EACH} + b`)}
   from generate_series(1, ${WORKSPACES}) n, generate_series(1, ${BUILDS_EACH}) b order by n, b`,
  `insert into workspace_resources (id, created_at, job_id, ordinal, transition, type, name) select gen_random_uuid(), now(), id, 0, 'start', 'machine', 'box' from provisioner_jobs where type = 'workspace_build'`,
  `insert into workspace_agents (id, created_at, updated_at, resource_id, ordinal, name, hashed_auth_token, architecture, operating_system)
   select gen_random_uuid(), now(), now(), id, 0, 'main', uuid_send(id), 'amd64', 'linux' from workspace_resources`,
  `insert into workspace_apps (id, created_at, agent_id, slug, display_name) select gen_random_uuid(), now(), id, 'web', 'Web' from workspace_agents`,
]

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  for (const statement of SEED) await runSql({ databaseUrl: database.url }, statement)
  // What the autovacuum of a living database does by itself.
  for (const table of BIG_TABLES) await runSql({ databaseUrl: database.url }, `vacuum (analyze) ${table}`)
})
afterAll(async () => await database.drop())

/**
 * Returns the big tables that a statement would scan in full. `forAnyValue` looks at the generic
 * plan instead.
 */
async function scannedBy(work: (queries: Kysely<Tables>) => Promise<unknown>, { forAnyValue = false } = {}): Promise<string[]> {
  const statements = await statementsOf(work)
  expect(statements.length).toBeGreaterThan(0)
  const scanned: string[] = []
  for (const { sql, parameters } of statements) {
    const options = forAnyValue ? 'generic_plan, format json' : 'format json'
    const rows = await runSql({ databaseUrl: database.url }, `explain (${options}) ${sql}`, forAnyValue ? [] : parameters)
    const plans = rows.flatMap((row) => row['QUERY PLAN'] as { Plan: PlanNode }[]) // as PostgreSQL documents it
    for (const node of plans.flatMap(({ Plan: plan }) => nodesOf(plan)))
      if (node['Node Type'] === 'Seq Scan' && BIG_TABLES.includes(node['Relation Name'] ?? '')) scanned.push(node['Relation Name'] ?? '')
  }
  return scanned
}

const PAGE: WorkspacePageQuery = {
  visible: { kind: 'all' },
  filter: {},
  limit: 25,
  offset: 0,
  afterId: undefined,
  inactiveBefore: '2022-12-19T10:00:00Z',
  now: '2022-12-19T10:00:00Z',
}
const organizations = ['00000000-0000-4000-8001-000000000001']
const OWN: WorkspacePageQuery = {
  ...PAGE,
  visible: { kind: 'some', organizations: [], own: { user_id: OWNER, organizations } },
}

describe('no big table is read from one end to the other', () => {
  test.each<[string, WorkspacePageQuery]>([
    ['an Owner', PAGE],
    ['an Owner who asks for own ones', { ...PAGE, filter: { ownerId: OWNER } }],
    ['a member', OWN],
    ['a member who searches', { ...OWN, filter: { name: ['web'], status: ['running'], hasAgent: ['connected'] } }],
    ['a member, further down', { ...OWN, afterId: '00000000-0000-4000-8007-000000000047' }],
  ])('for a page of %s', async (_, page) => {
    expect(await scannedBy(async (queries) => await new WorkspaceStore(queries).listPage(page))).toEqual([])
  })

  const workspace = '00000000-0000-4000-8007-000000000047'
  const buildId = '00000000-0000-4000-8008-000000000047'
  test.each<[string, (queries: Kysely<Tables>) => Promise<unknown>]>([
    ['one workspace', async (queries) => await new WorkspaceStore(queries).findView(workspace)],
    ['one workspace without its build', async (queries) => await new WorkspaceStore(queries).findById(workspace)],
    ['a name', async (queries) => await new WorkspaceStore(queries).findByName(OWNER, 'WS-46')],
    ['a deleted name', async (queries) => await new WorkspaceStore(queries).findDeletedByName(OWNER, 'WS-46')],
    ['one build', async (queries) => await new BuildStore(queries, SECRETS).getView(buildId)],
    ['a build number', async (queries) => await new BuildStore(queries, SECRETS).findByNumber(workspace, 1)],
    ['the build of a job', async (queries) => await new BuildStore(queries, SECRETS).findByJob(buildId)],
    [
      'the builds of one workspace',
      async (queries) =>
        await new BuildStore(queries, SECRETS).listOfWorkspace(workspace, {
          limit: 25,
          offset: 0,
          before: undefined,
          since: '0001-01-01T00:00:00Z',
        }),
    ],
  ])('for %s, whatever the values', async (_, work) => {
    expect(await scannedBy(work)).toEqual([])
    expect(await scannedBy(work, { forAnyValue: true })).toEqual([])
  })
})

test('names are sorted by their bytes, whatever the locale of the database', async () => {
  const rows = await runSql(
    { databaseUrl: database.url },
    `select collname from pg_attribute join pg_collation on pg_collation.oid = attcollation where attrelid = 'workspaces'::regclass and attname = 'name'`,
  )
  expect(rows).toEqual([{ collname: 'C' }])
})

test('a page of the seeded database is what it should be', async () => {
  const store = new WorkspaceStore((await database.open()).kysely)
  const { views, count } = await store.listPage(PAGE)
  expect([views.length, count]).toEqual([25, WORKSPACES])
  expect(views[0]).toMatchObject({
    name: 'ws-1',
    build: { build_number: BUILDS_EACH, resources: [{ agents: [{ apps: [{ slug: 'web' }] }] }] },
  })
  expect((await store.listPage(OWN)).count).toBe(WORKSPACES / OWNERS)
})
