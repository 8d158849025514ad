import { verifies } from '@berth/requirements'
import type { Template, WorkspaceBuild, WorkspaceQuota } from '@berth/schema'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { build, buildEnded, createMember, createTemplate, createWorkspace, uniqueName, type Member } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let template: Template
let member: Member
beforeAll(async () => {
  server = await startTestServer()
  const resources = [{ name: 'box', type: 'machine', daily_cost: 1 }]
  template = await createTemplate(server, { plan: [{ complete: { resources } }], apply: [{ complete: { resources } }] })
})
afterAll(async () => await server.stop())
beforeEach(async () => {
  member = await createMember(server)
})

async function quota(): Promise<WorkspaceQuota> {
  return await member.client.quotas.get({ params: { user: 'me' } })
}

async function allow(quota_allowance: number): Promise<string> {
  const params = { organization: server.firstUser.organization_id }
  const group = await server.client.groups.create({ params, body: { name: uniqueName('quota'), quota_allowance } })
  await server.client.groups.update({ params: { group: group.id }, body: { add_users: [member.id] } })
  return group.id
}

async function start(): Promise<{ id: string; ended: WorkspaceBuild }> {
  const { id, latest_build } = await createWorkspace(server, template, { client: member.client })
  return { id, ended: await buildEnded(member.client, latest_build.id) }
}

test('the budget is the sum of the allowances of all groups, that of everybody included', async () => {
  verifies('quota:budget')
  expect(await quota()).toEqual({ credits_consumed: 0, budget: 0 })
  const everyone = { group: server.firstUser.organization_id }
  await server.client.groups.update({ params: everyone, body: { quota_allowance: 1 } })
  await allow(1)
  await allow(1)
  expect(await quota()).toEqual({ credits_consumed: 0, budget: 3 })
  expect(await server.client.quotas.get({ params: { user: member.username } })).toEqual({ credits_consumed: 0, budget: 3 })
  await server.client.groups.update({ params: everyone, body: { quota_allowance: 0 } })
  expect(await quota()).toEqual({ credits_consumed: 0, budget: 2 })
})

test('three run on a budget of three, the fourth fails for want of quota; deleting one frees its credit', async () => {
  verifies('quota:budget', 'quota:refused', 'provisioner:quota')
  await allow(3)
  const running = [await start(), await start(), await start()]
  expect(running.map(({ ended }) => [ended.job.status, ended.daily_cost])).toEqual([
    ['succeeded', 1],
    ['succeeded', 1],
    ['succeeded', 1],
  ])
  expect(await quota()).toEqual({ credits_consumed: 3, budget: 3 })
  const { ended } = await start()
  expect(ended).toMatchObject({ status: 'failed', daily_cost: 0, job: { error: expect.stringContaining('insufficient quota') as string } })
  expect(await quota()).toEqual({ credits_consumed: 3, budget: 3 })
  await build(member.client, running[0]?.id ?? '', 'delete')
  expect(await quota()).toEqual({ credits_consumed: 2, budget: 3 })
  expect((await start()).ended.job.status).toBe('succeeded')
})

test('a workspace that had a cost is built again whatever the budget has become', async () => {
  verifies('quota:running')
  const group = await allow(1)
  const { id } = await start()
  await server.client.groups.update({ params: { group }, body: { quota_allowance: 0 } })
  const stopped = await build(member.client, id, 'stop')
  expect([stopped.job.status, stopped.daily_cost]).toEqual(['succeeded', 1])
  expect((await build(member.client, id, 'start')).job.status).toBe('succeeded')
  expect((await start()).ended.job.status).toBe('failed')
  expect(await quota()).toEqual({ credits_consumed: 1, budget: 0 })
})

test('builds at the same moment never spend a credit twice', async () => {
  verifies('quota:concurrent')
  await allow(2)
  const ended = await Promise.all(Array.from({ length: 6 }, async () => (await start()).ended))
  expect(ended.filter(({ job }) => job.status === 'succeeded')).toHaveLength(2)
  expect(await quota()).toEqual({ credits_consumed: 2, budget: 2 })
})
