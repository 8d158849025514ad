import { randomUUID } from 'node:crypto'
import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VisibleCondition } from '../src/access/visible.ts'
import { timestamp } from '../src/clock.ts'
import type { Database } from '../src/database/database.ts'
import { WorkspaceStore, type WorkspacePageQuery } from '../src/features/workspaces/store.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'

const ORGANIZATIONS = [randomUUID(), randomUUID()]
const OWNERS = Array.from({ length: 6 }, () => randomUUID())
const NOW = timestamp(Date.parse('2022-12-19T10:00:00Z'))

let testDatabase: TestDatabase
let database: Database
let template: string
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  database = await testDatabase.open({ maxConnections: 8 })
  template = await seed()
})
afterAll(async () => await testDatabase.drop())

async function seed(): Promise<string> {
  const [file, job, version, ofWorkspaces] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const { kysely } = database
  for (const id of ORGANIZATIONS)
    await sql`insert into organizations (id, name, created_at, updated_at) values (${id}, ${id}, now(), now())`.execute(kysely)
  for (const id of OWNERS)
    await sql`insert into users (id, email, username, created_at, updated_at) values (${id}, ${`${id}@example.com`}, ${id}, now(), now())`.execute(
      kysely,
    )
  const [organization, owner] = [ORGANIZATIONS[0], OWNERS[0]]
  await sql`insert into files (id, hash, created_at, created_by, mimetype, data) values (${file}, '', now(), ${owner}, 'application/x-tar', '')`.execute(
    kysely,
  )
  await sql`insert into provisioner_jobs (id, created_at, updated_at, organization_id, initiator_id, provisioner, type, file_id)
    values (${job}, now(), now(), ${organization}, ${owner}, 'echo', 'template_version_import', ${file})`.execute(kysely)
  await sql`insert into template_versions (id, organization_id, created_at, updated_at, name, job_id, created_by)
    values (${version}, ${organization}, now(), now(), 'v1', ${job}, ${owner})`.execute(kysely)
  await sql`insert into templates (id, created_at, updated_at, organization_id, name, provisioner, active_version_id, created_by)
    values (${ofWorkspaces}, now(), now(), ${organization}, 'seed', 'echo', ${version}, ${owner})`.execute(kysely)
  return ofWorkspaces
}

/** Something that happens to workspaces in one transaction. */
type Change =
  | { readonly kind: 'create'; readonly owners: readonly number[]; readonly organization: number; readonly isKept: boolean }
  | { readonly kind: 'delete' | 'restore' | 'rename' | 'use' | 'give away' | 'move' | 'purge'; readonly which: number }

const owner = fc.nat(OWNERS.length - 1)
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      owners: fc.array(owner, { minLength: 1, maxLength: 4 }),
      organization: fc.nat(ORGANIZATIONS.length - 1),
      isKept: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('delete', 'restore', 'rename', 'use', 'give away', 'move', 'purge'),
      which: fc.nat(1_000),
    }),
  },
)

class Undone extends Error {}

async function make(made: Change): Promise<void> {
  await database
    .transaction(async (transaction) => {
      if (made.kind === 'create') {
        const rows = made.owners.map(
          (number) =>
            sql`(${randomUUID()}::uuid, now(), now(), ${OWNERS[number]}::uuid, ${ORGANIZATIONS[made.organization]}::uuid, ${template}::uuid, ${randomUUID()})`,
        )
        await sql`insert into workspaces (id, created_at, updated_at, owner_id, organization_id, template_id, name) values ${sql.join(rows)}`.execute(
          transaction,
        )
        if (!made.isKept) throw new Undone()
        return
      }
      const one = sql`(select id from workspaces order by id offset ${made.which} % greatest(1, (select count(*) from workspaces)) limit 1)`
      const [other, elsewhere] = [OWNERS[made.which % OWNERS.length], ORGANIZATIONS[made.which % ORGANIZATIONS.length]]
      const statement = {
        delete: sql`update workspaces set deleted = true where id = ${one}`,
        restore: sql`update workspaces set deleted = false where id = ${one}`,
        rename: sql`update workspaces set name = ${randomUUID()} where id = ${one}`,
        use: sql`update workspaces set last_used_at = now() where id = ${one}`,
        'give away': sql`update workspaces set owner_id = ${other}::uuid where id = ${one}`,
        move: sql`update workspaces set organization_id = ${elsewhere}::uuid where id = ${one}`,
        purge: sql`delete from workspaces where id = ${one}`,
      }[made.kind]
      await statement.execute(transaction)
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
}

/** Who may see what. */
const VISIBLE: readonly VisibleCondition[] = [
  { kind: 'all' },
  { kind: 'none' },
  { kind: 'some', organizations: [] },
  { kind: 'some', organizations: ORGANIZATIONS },
  { kind: 'some', organizations: ORGANIZATIONS.slice(1) },
  ...OWNERS.slice(0, 2).flatMap((user_id): VisibleCondition[] => [
    { kind: 'some', organizations: [], own: { user_id, organizations: 'any' } },
    { kind: 'some', organizations: [], own: { user_id, organizations: ORGANIZATIONS.slice(1) } },
    { kind: 'some', organizations: ORGANIZATIONS.slice(1), own: { user_id, organizations: ORGANIZATIONS } },
    { kind: 'some', organizations: ORGANIZATIONS.slice(1), own: { user_id, organizations: ORGANIZATIONS.slice(1) } },
  ]),
]

/** Returns the count of a page. A filter that matches everything makes the server count rows. */
async function countOf(visible: VisibleCondition, filter: WorkspacePageQuery['filter']): Promise<number> {
  const store = new WorkspaceStore(database.kysely)
  return (await store.listPage({ visible, filter, limit: 1, offset: 0, afterId: undefined, inactiveBefore: NOW, now: NOW })).count
}

test('the number of workspaces that is kept is the number that counting finds, whatever is done at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 30 }), async (changes) => {
      await Promise.all(changes.map(make))
      for (const visible of VISIBLE) expect(await countOf(visible, {})).toBe(await countOf(visible, { name: [''] }))
    }),
    { numRuns: runs(10) },
  )
  expect(await countOf({ kind: 'all' }, {})).toBeGreaterThan(0)
}, 60_000)

test('a member who may see all of an organization is told the number of it, and of own ones elsewhere', async () => {
  await make({ kind: 'create', owners: [0, 1, 2], organization: 1, isKept: true })
  await make({ kind: 'create', owners: [0], organization: 0, isKept: true })
  const { rows } = await sql<{ count: number }>`select count(*) as count from workspaces
    where not deleted and (organization_id = ${ORGANIZATIONS[1]} or owner_id = ${OWNERS[0]})`.execute(database.kysely)
  const visible: VisibleCondition = {
    kind: 'some',
    organizations: ORGANIZATIONS.slice(1),
    own: { user_id: OWNERS[0] ?? '', organizations: ORGANIZATIONS },
  }
  expect(await countOf(visible, {})).toBe(rows[0]?.count)
})
