import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Template, Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { build, buildEnded, createMember, createTemplate, createWorkspace, type Member } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let docker: Template
let kubernetes: Template
let alice: Member
/** By name, in the order in which a list shows them: none was ever used. */
const workspaces = new Map<string, Workspace>()

beforeAll(async () => {
  server = await startTestServer()
  docker = await createTemplate(server)
  kubernetes = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'pod', agents: [{ name: 'main', connection_timeout_seconds: 60 }] }] } }],
  })
  alice = await createMember(server)
  for (const [name, template, owner] of [
    ['Zeta', docker, undefined],
    ['alpha', docker, undefined],
    ['beta-web', kubernetes, undefined],
    ['web-one', docker, alice],
  ] as const) {
    const workspace = await createWorkspace(server, template, { name, ...(owner !== undefined && { client: owner.client }) })
    await buildEnded(server.client, workspace.latest_build.id)
    workspaces.set(name, workspace)
  }
  await build(server.client, id('alpha'), 'stop')
})
afterAll(async () => await server.stop())

function id(name: string): string {
  return workspaces.get(name)?.id ?? ''
}

async function list(query: string, token?: string): Promise<{ names: string[]; count: number }> {
  const { status, json, text } = await callApi(server, `GET /workspaces${query}`, token === undefined ? {} : { token })
  if (status !== 200) throw new Error(`${status}: ${text}`)
  return { names: json.workspaces.map(({ name }: Workspace) => name), count: json.count }
}

async function found(q: string, token?: string): Promise<string[]> {
  return (await list(`?q=${encodeURIComponent(q)}`, token)).names
}

async function refused(query: string): Promise<{ field: string; detail: string }[]> {
  const { status, json } = await callApi(server, `GET /workspaces${query}`)
  expect(status).toBe(400)
  return json.validations
}

describe('the order', () => {
  test('is most recently used first, those never used by name in byte order', async () => {
    expect(await list('')).toEqual({ names: ['Zeta', 'alpha', 'beta-web', 'web-one'], count: 4 })
    await runSql(server, `update workspaces set last_used_at = '2022-12-19T10:00:00Z' where id = $1`, [id('web-one')])
    expect((await list('')).names).toEqual(['web-one', 'Zeta', 'alpha', 'beta-web'])
    expect((await list('?limit=2')).names).toEqual(['web-one', 'Zeta'])
    await runSql(server, `update workspaces set last_used_at = '0001-01-01T00:00:00Z' where id = $1`, [id('web-one')])
  })

  test('holds for each page; the count is that of all matches, past the end too', async () => {
    verifies('workspaces:list:paging', 'rulings:count-past-the-end')
    expect(await list('?limit=0')).toMatchObject({ names: { length: 4 }, count: 4 })
    expect(await list('?offset=1')).toEqual({ names: ['alpha', 'beta-web', 'web-one'], count: 4 })
    expect(await list('?offset=1&limit=1')).toEqual({ names: ['alpha'], count: 4 })
    expect(await list('?offset=4')).toEqual({ names: [], count: 4 })
    expect(await list('?offset=400&name=web')).toEqual({ names: [], count: 2 })
  })

  test('goes on after the workspace that after_id names, whatever was added before it', async () => {
    verifies('rulings:after-id')
    expect(await list(`?after_id=${id('alpha')}`)).toEqual({ names: ['beta-web', 'web-one'], count: 4 })
    expect(await list(`?after_id=${id('Zeta')}&limit=2`)).toEqual({ names: ['alpha', 'beta-web'], count: 4 })
    expect(await list(`?after_id=${id('web-one')}`)).toEqual({ names: [], count: 4 })
  })

  test.each([
    ['?after_id=bogus', ['after_id']],
    [`?after_id=${randomUUID().slice(1)}`, ['after_id']],
    [`?after_id=${randomUUID()}0`, ['after_id']],
    ['?limit=bogus', ['limit']],
    ['?offset=1.5', ['offset']],
    ['?limit=-1', ['limit']],
    ['?offset=-1', ['offset']],
    ['?limit=99999999999999999999', ['limit']],
    ['?offset=x&limit=y&after_id=z', ['after_id', 'limit', 'offset']],
  ])('is not to be had by %s', async (query, fields) => {
    verifies('workspaces:list:paging-parameters', 'rulings:negative-paging')
    const { status, json } = await callApi(server, `GET /workspaces${query}`)
    expect(status).toBe(400)
    expect(json.message).toContain('Query parameters have invalid values')
    expect(json.validations.map(({ field }: { field: string }) => field)).toEqual(fields)
  })

  test('empty parameters are absent ones, and the first of two counts', async () => {
    expect((await list('?limit=&offset=&after_id=&q=&owner=&name=&status=&has_agent=&template=')).count).toBe(4)
    expect((await list('?limit=1&limit=3')).names).toHaveLength(1)
  })
})

describe('a filter', () => {
  test('by name takes a part of it, in any case; % and _ stand for others', async () => {
    verifies('workspaces:list:name-substring')
    for (const [name, expected] of [
      ['alpha', ['alpha']],
      ['WEB', ['beta-web', 'web-one']],
      ['$$$$', []],
      ['a%a', ['alpha']],
      ['z_ta', ['Zeta']],
      ['\\', []],
      ["'; drop table workspaces; --", []],
    ] as const) {
      expect((await list(`?name=${encodeURIComponent(name)}`)).names).toEqual(expected)
      if (!name.includes(' ')) expect(await found(`name:${name}`)).toEqual(expected)
    }
  })

  test('by template or owner wants the whole name, in any case', async () => {
    verifies('workspaces:list:template', 'workspaces:list:any-case')
    expect(await found(`template:${docker.name.toUpperCase()}`)).toEqual(['Zeta', 'alpha', 'web-one'])
    expect((await list(`?template=${kubernetes.name}`)).names).toEqual(['beta-web'])
    expect(await found('template:templat')).toEqual([])
    expect(await found(`owner:${alice.username.toUpperCase()} template:${docker.name}`)).toEqual(['web-one'])
    expect(await found(`owner:${alice.username} template:${kubernetes.name}`)).toEqual([])
    expect((await list('?owner=TESTUSER')).names).toEqual(['Zeta', 'alpha', 'beta-web'])
    expect((await list('?owner=nobody')).names).toEqual([])
  })

  test('by the owner me is the caller', async () => {
    verifies('workspaces:list:owner-me', 'rulings:list-owner-me')
    for (const me of ['me', 'ME']) {
      expect(await found(`owner:${me}`)).toEqual(['Zeta', 'alpha', 'beta-web'])
      expect(await found(`owner:${me}`, alice.token)).toEqual(['web-one'])
      expect((await list(`?owner=${me}`, alice.token)).names).toEqual(['web-one'])
    }
    const bob = await createMember(server)
    expect(await list('?owner=me', bob.token)).toEqual({ names: [], count: 0 })
  })

  test('by status shows what its workspaces show, for every status', async () => {
    verifies('workspaces:list:status', 'rulings:list-status-starting', 'rulings:status-deleting-and-deleted')
    const target = id('beta-web')
    const [job] = await runSql(server, 'select latest_job_id as id from workspaces where id = $1', [target])
    const shape = async (transition: string, times: string) => {
      await runSql(
        server,
        `update provisioner_jobs set started_at = null, canceled_at = null, completed_at = null, error = null where id = $1`,
        [job?.['id']],
      )
      await runSql(server, `update provisioner_jobs set ${times}, updated_at = $2 where id = $1`, [job?.['id'], server.clock.now()])
      await runSql(server, 'update workspace_builds set transition = $2 where job_id = $1', [job?.['id'], transition])
      await runSql(server, 'update workspaces set latest_build_transition = $2 where id = $1', [target, transition])
    }
    const running = `started_at = now(), worker_id = (select id from provisioner_daemons limit 1)`
    const ended = 'started_at = now(), completed_at = now()'
    for (const [status, transition, times] of [
      ['starting', 'start', running],
      ['stopping', 'stop', running],
      ['deleting', 'delete', running],
      ['stopped', 'stop', ended],
      ['deleted', 'delete', ended],
      ['failed', 'start', `${ended}, error = 'x'`],
      ['failed', 'stop', `${ended}, canceled_at = now(), error = 'x'`],
      ['canceling', 'start', `${running}, canceled_at = now()`],
      ['canceled', 'start', `${ended}, canceled_at = now()`],
      ['canceled', 'start', 'canceled_at = now(), completed_at = now()'],
      ['running', 'start', ended],
    ] as const) {
      await shape(transition, times)
      const { json } = await callApi(server, `GET /workspaces/${target}`)
      expect(json.latest_build.status).toBe(status)
      expect((await list(`?status=${status}`)).names).toContain('beta-web')
      expect(await found(`status:${status} name:beta`)).toEqual(['beta-web'])
      for (const other of [
        'pending',
        'starting',
        'running',
        'stopping',
        'stopped',
        'failed',
        'canceling',
        'canceled',
        'deleting',
        'deleted',
      ])
        if (other !== status) expect((await list(`?status=${other}`)).names).not.toContain('beta-web')
    }
    expect(await found('status:running')).toEqual(['Zeta', 'beta-web', 'web-one'])
    expect(await found('status:stopped')).toEqual(['alpha'])
  })

  test('by pending finds a build that nobody has begun', async () => {
    const [job] = await runSql(server, 'select latest_job_id as id from workspaces where id = $1', [id('Zeta')])
    await runSql(
      server,
      `update provisioner_jobs set started_at = null, completed_at = null, tags = '{"nobody": "has it"}' where id = $1`,
      [job?.['id']],
    )
    expect((await list('?status=pending')).names).toEqual(['Zeta'])
    await runSql(server, 'update provisioner_jobs set started_at = now(), completed_at = now() where id = $1', [job?.['id']])
  })

  test('outside the enumeration is 400 as a parameter; in q an unknown status restricts nothing', async () => {
    verifies('rulings:list-unknown-status-parameter', 'rulings:list-unknown-status-in-q')
    for (const status of ['bogus', 'Running', '!']) expect(await refused(`?status=${status}`)).toMatchObject([{ field: 'status' }])
    expect(await refused('?has_agent=bogus')).toMatchObject([{ field: 'has_agent' }])
    expect(await found('status:bogus')).toHaveLength(4)
    expect(await found('has-agent:bogus')).toEqual([])
  })

  test('by agent finds workspaces that have one in that state', async () => {
    verifies('workspaces:list:has-agent', 'workspaces:list:inactivity-timeout')
    const target = id('beta-web')
    const states = ['connecting', 'connected', 'disconnected', 'timeout']
    const now = server.clock.now().getTime()
    const at = (ms: number) => new Date(now + ms).toISOString()
    for (const [state, columns] of [
      ['connecting', {}],
      ['timeout', { created_at: at(-61_000) }],
      ['connected', { first_connected_at: at(0), last_connected_at: at(0) }],
      ['connected', { first_connected_at: at(0), last_connected_at: at(0), disconnected_at: at(-5_000) }],
      ['disconnected', { first_connected_at: at(-9_000), last_connected_at: at(-9_000), disconnected_at: at(-8_000) }],
      ['disconnected', { first_connected_at: at(-9_000), last_connected_at: at(-9_000) }],
    ] as const) {
      const {
        created_at = at(0),
        first_connected_at = null,
        last_connected_at = null,
        disconnected_at = null,
      } = columns as Record<string, string>
      await runSql(
        server,
        'update workspace_agents set created_at = $1, first_connected_at = $2, last_connected_at = $3, disconnected_at = $4',
        [created_at, first_connected_at, last_connected_at, disconnected_at],
      )
      const { json } = await callApi(server, `GET /workspaces/${target}`)
      expect(json.latest_build.resources[0].agents[0].status).toBe(state)
      for (const other of states) {
        expect((await list(`?has_agent=${other}`)).names).toEqual(other === state ? ['beta-web'] : [])
        expect(await found(`has-agent:${other}`)).toEqual(other === state ? ['beta-web'] : [])
      }
    }
  })

  test('given as a parameter and in q has to match in both', async () => {
    verifies('rulings:list-parameters-and-search')
    expect((await list('?name=web&owner=me')).names).toEqual(['beta-web'])
    expect((await list('?name=web&q=owner:me')).names).toEqual(['beta-web'])
    expect((await list('?name=beta&q=name:web')).names).toEqual(['beta-web'])
    expect((await list('?owner=me&q=owner:testuser')).names).toHaveLength(3)
    expect((await list(`?owner=me&q=owner:${alice.username}`)).names).toEqual([])
    expect(await list('?status=running&q=web&limit=1&offset=1')).toEqual({ names: ['web-one'], count: 2 })
    expect((await list('?status=running&q=status:stopped')).names).toEqual([])
    expect(await list(`?name=web&after_id=${id('beta-web')}`)).toEqual({ names: ['web-one'], count: 2 })
  })
})

describe('the search', () => {
  test('finds exactly one by template, owner and name', async () => {
    verifies('workspaces:list:owner-and-name')
    expect(await found(`template:${docker.name} testuser/alpha`)).toEqual(['alpha'])
    expect(await found(`TESTUSER/ALPHA`)).toEqual(['alpha'])
    expect(await found(`me/web`)).toEqual(['beta-web'])
  })

  test('is read as free words, keys, quoted values and owner/name', async () => {
    verifies('workspaces:list:search-grammar')
    for (const [q, expected] of [
      ['', 4],
      ['  ', 4],
      ['""', 4],
      ['web', ['beta-web', 'web-one']],
      ['  web  ', ['beta-web', 'web-one']],
      ['alpha web', ['beta-web', 'web-one']],
      ['NAME:web OWNER:TestUser', ['beta-web']],
      ['"name":"web"', ['beta-web', 'web-one']],
      ['name:"web one"', []],
      ['foo:bar', 4],
      ['name:', []],
      ['alpha/', ['alpha']],
      ['/alpha', ['alpha']],
      ['"testuser/alpha"', []],
      ['"testuser"/"alpha"', ['alpha']],
      ['name:alpha name:web', ['beta-web', 'web-one']],
    ] as const) {
      const names = await found(q)
      expect(typeof expected === 'number' ? names.length : names, q).toEqual(expected)
    }
    for (const q of ['foo/bar/baz', '/'])
      expect((await refused(`?q=${encodeURIComponent(q)}`))[0]).toEqual({
        field: 'q',
        detail: expect.stringContaining("can only contain 1 '/'"),
      })
    for (const q of ['owner:name:extra', ':'])
      expect((await refused(`?q=${encodeURIComponent(q)}`))[0]).toEqual({
        field: 'q',
        detail: expect.stringContaining("can only contain 1 ':'"),
      })
  })
})

describe('who asks', () => {
  test('sees what they may read, and the count knows of nothing else', async () => {
    expect(await list('', alice.token)).toEqual({ names: ['web-one'], count: 1 })
    const admin = await createMember(server)
    await runSql(server, `update users set rbac_roles = '{template-admin}' where id = $1`, [admin.id])
    expect((await list('', admin.token)).count).toBe(4)
    await runSql(server, `update users set rbac_roles = '{auditor,user-admin}' where id = $1`, [admin.id])
    expect(await list('', admin.token)).toEqual({ names: [], count: 0 })
    await runSql(server, `update users set rbac_roles = '{}' where id = $1`, [admin.id])
    await runSql(server, `update organization_members set roles = $2 where user_id = $1`, [
      admin.id,
      [`organization-admin:${server.firstUser.organization_id}`],
    ])
    expect((await list('', admin.token)).count).toBe(4)
  })

  test('being an Owner sees all, a plain member of another organization nothing, not even own ones of organizations that were left', async () => {
    verifies('workspaces:list:other-organization')
    const outsider = await createMember(server)
    await createWorkspace(server, docker, { client: outsider.client, name: 'left-behind' })
    expect((await list('', outsider.token)).names).toEqual(['left-behind'])
    await runSql(server, 'delete from organization_members where user_id = $1', [outsider.id])
    expect(await list('', outsider.token)).toEqual({ names: [], count: 0 })
    expect((await list('')).names).toContain('left-behind')
    await runSql(server, `update users set rbac_roles = '{owner}' where id = $1`, [outsider.id])
    expect(await list('', outsider.token)).toEqual(await list(''))
  })

  test('with a key for applications only sees nothing', async () => {
    const [key = ''] = alice.token.split('-')
    await runSql(server, `update api_keys set scope = 'application_connect' where id = $1`, [key])
    expect(await list('', alice.token)).toEqual({ names: [], count: 0 })
    await runSql(server, `update api_keys set scope = 'all' where id = $1`, [key])
  })
})

test('a deleted workspace is not listed from the moment its build has ended; without any the list is empty, not null', async () => {
  verifies('workspaces:list:deleted-left-out', 'rulings:empty-list-is-array')
  const carol = await createMember(server)
  const workspace = await createWorkspace(server, docker, { client: carol.client })
  await buildEnded(carol.client, workspace.latest_build.id)
  expect((await list(`?owner=${carol.username}`)).count).toBe(1)
  await build(carol.client, workspace.id, 'delete')
  expect((await callApi(server, `GET /workspaces?owner=${carol.username}`)).text).toBe('{"workspaces":[],"count":0}\n')
})
