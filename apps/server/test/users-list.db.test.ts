import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { User } from '@berth/schema'
import { NIL_UUID } from '@berth/schema/rules'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFilter, type UserFilter } from '../src/features/users/read-filter.ts'
import { UserStore } from '../src/features/users/store.ts'
import { callApi } from './call-api.ts'
import { createMember } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { nodesOf, statementsOf, type PlanNode } from './statements-of.ts'

/**
 * Sixteen users with names in both cases. Every second is suspended, every third an owner, every
 * fourth an auditor.
 */
const PEOPLE = `
  insert into users (id, email, username, status, rbac_roles, created_at, updated_at)
  select gen_random_uuid(), 'p' || n || '@' || case when n % 2 = 0 then 'gmail' else 'Example' end || '.com',
    case when n % 5 = 0 then 'ANNA' else 'bill' end || n,
    case when n % 2 = 0 then 'suspended'::user_status else 'active' end,
    array_remove(array[case when n % 3 = 0 then 'owner' end, case when n % 4 = 0 then 'auditor' end], null), now(), now()
  from generate_series(1, 16) n`

let server: TestServer
let all: User[]
beforeAll(async () => {
  server = await startTestServer()
  await runSql(server, PEOPLE)
  await runSql(
    server,
    `insert into organization_members (user_id, organization_id, created_at, updated_at) select id, $1, now(), now() from users on conflict do nothing`,
    [server.firstUser.organization_id],
  )
  all = (await server.client.users.list()).users
})
afterAll(async () => await server.stop())

interface UserSearch {
  readonly search?: string
  readonly status?: string
  readonly role?: string
  readonly q?: string
}

/** Joins the parts of a search into one text, as clients do. */
function searchText({ search = '', status = '', role = '', q = '' }: UserSearch): string {
  return [search, status && `status:"${status}"`, role && `role:"${role}"`, q].filter((part) => part !== '').join(' ')
}

async function list(search: UserSearch): Promise<{ users: User[]; count: number }> {
  return await server.client.users.list({ query: { q: searchText(search) } })
}

test('a cursor of nobody, as clients write one that is absent, is none', async () => {
  verifies('paging:nil-cursor')
  expect(await server.client.users.list({ query: { after_id: NIL_UUID } })).toEqual({ users: all, count: all.length })
})

const isOwner = ({ roles }: User): boolean => roles.some(({ name }) => name === 'owner')
const mentions = ({ username, email }: User, text: string): boolean => `${username}\n${email}`.toLowerCase().includes(text)

describe('a list of users', () => {
  test.each<[UserSearch, (user: User) => boolean]>([
    [{ status: 'suspended,active' }, () => true],
    [{ status: 'active' }, ({ status }) => status === 'active'],
    [{ status: 'ACTIVE' }, ({ status }) => status === 'active'],
    [{ status: 'suspended' }, ({ status }) => status === 'suspended'],
    [{ search: 'a' }, (user) => mentions(user, 'a')],
    [{ search: 'anna' }, (user) => mentions(user, 'anna')],
    [{ search: 'GMAIL.com' }, (user) => mentions(user, 'gmail.com')],
    [{ role: 'owner' }, isOwner],
    [{ role: 'OWNER' }, isOwner],
    [{ role: 'owner,auditor' }, ({ roles }) => roles.length > 0],
    [{ role: 'member' }, () => true],
    [{ role: 'nothing' }, () => false],
    [{ search: 'i', role: 'owner', status: 'active' }, (user) => mentions(user, 'i') && isOwner(user) && user.status === 'active'],
    [{ q: 'i role:owner status:active' }, (user) => mentions(user, 'i') && isOwner(user) && user.status === 'active'],
    [{ q: 'i Role:Owner STATUS:Active' }, (user) => mentions(user, 'i') && isOwner(user) && user.status === 'active'],
    [{ q: 'foo:bar' }, () => true],
    [{ search: randomUUID() }, () => false],
    [{ search: `'; drop table users; --` }, () => false],
  ])('is filtered by %j', async (search, matches) => {
    verifies('users:filter', 'users:filter-query')
    const expected = all.filter(matches)
    expect(await list(search)).toEqual({ users: expected, count: expected.length })
  })

  test('leaves out a suspended user when asked for active ones', async () => {
    verifies('users:list-active')
    const member = await createMember(server)
    const active = async (): Promise<boolean> => (await list({ status: 'active' })).users.some(({ id }) => id === member.id)
    expect(await active()).toBe(true)
    await server.client.users.suspend({ params: { user: member.id } })
    expect(await active()).toBe(false)
    await server.client.users.delete({ params: { user: member.id } })
  })

  test('names the organizations of each, and is the same for every member', async () => {
    verifies('users:list')
    expect(all.every(({ organization_ids }) => organization_ids.length === 1)).toBe(true)
    const member = await createMember(server)
    const { users } = await member.client.users.list({ query: { limit: all.length } })
    expect(users.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
    await server.client.users.delete({ params: { user: member.id } })
  })

  test.each(['gmail', 'example', 'status:suspended'])('has the same pages by cursor and by offset when searched for %s', async (q) => {
    verifies('users:paging')
    const matches = await server.client.users.list({ query: { q } })
    for (const limit of [3, 5]) {
      const [byOffset, byCursor]: [User[], User[]] = [[], []]
      for (let offset = 0; offset <= matches.count; offset += limit) {
        const page = await server.client.users.list({ query: { q, limit, offset } })
        expect(page.count).toBe(matches.count)
        byOffset.push(...page.users)
      }
      for (let after_id: string | undefined; ; after_id = byCursor.at(-1)?.id) {
        const { users } = await server.client.users.list({ query: { q, limit, ...(after_id !== undefined && { after_id }) } })
        byCursor.push(...users)
        if (users.length === 0) break
      }
      expect([byOffset, byCursor]).toEqual([matches.users, matches.users])
    }
  })

  test.each([
    ['search:name:extra', 'q', "can only contain 1 ':'"],
    [':', 'q', "can only contain 1 ':'"],
    ['status:inActive', 'status', 'Query param "status" has invalid value: "inactive" is not a valid user status'],
  ])('refuses the search %j', async (q, field, detail) => {
    verifies('users:query-parsing')
    const { status, json } = await callApi(server, `GET /users?q=${encodeURIComponent(q)}`)
    expect([status, json.message]).toEqual([400, 'Invalid user search query.'])
    expect(json.validations).toEqual([{ field, detail: expect.stringContaining(detail) }])
  })
})

describe('of ten thousand users', () => {
  let large: TestServer
  beforeAll(async () => {
    large = await startTestServer()
    await runSql(
      large,
      `insert into users (id, email, username, created_at, updated_at)
       select gen_random_uuid(), 'x' || n || '@example.com', 'x' || n, now(), now() from generate_series(1, 10000) n`,
    )
    await runSql(large, 'vacuum (analyze) users')
  })
  afterAll(async () => await large.stop())

  test.each<[string, UserFilter, afterId: string | undefined]>([
    ['a page', readFilter(''), undefined],
    ['a page after a cursor', readFilter(''), randomUUID()],
    ['a page of active ones', readFilter('status:active'), undefined],
    ['a page of a search', readFilter('x'), undefined],
  ])('%s is read in the order of an index, by one statement', async (_, filter, afterId) => {
    verifies('users:list-index')
    const page = { visible: { kind: 'all' }, filter, limit: 25, offset: 100, afterId } as const
    const [statement, ...more] = await statementsOf(async (queries) => await new UserStore(queries).listPage(page))
    expect(more).toEqual([])
    const rows = await runSql(large, `explain (format json) ${statement?.sql}`, statement?.parameters)
    const plans = rows.flatMap((row) => row['QUERY PLAN'] as { Plan: PlanNode }[]) // as PostgreSQL documents it
    const nodes = plans.flatMap(({ Plan: plan }) => nodesOf(plan))
    expect(nodes.map((node) => node['Index Name'])).toContain('users_page')
  })

  test('a page has its rows and the number of all', async () => {
    const { users, count } = await large.client.users.list({ query: { limit: 25, offset: 100 } })
    expect([users.length, count]).toEqual([25, 10_001])
  })
})
