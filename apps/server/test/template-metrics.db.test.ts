import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { buildEnded, createMember, createTemplate, createWorkspace } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { metricsCacheRefreshIntervalMs: 50 } })
})
afterAll(async () => await server.stop())

const NOTHING = { P50: null, P95: null }

async function wasActive(template: string, user: string, at: string): Promise<void> {
  await runSql(
    server,
    `insert into agent_stats (id, created_at, user_id, agent_id, workspace_id, template_id, payload)
     values (gen_random_uuid(), $1, $2, $3, $3, $4, '{}')`,
    [at, user, randomUUID(), template],
  )
}

test('until it was measured a template has -1 active users and no times', async () => {
  verifies('templates:metrics')
  const slow = await startTestServer()
  try {
    const template = await createTemplate(slow)
    const times = { delete: NOTHING, start: NOTHING, stop: NOTHING }
    expect(template).toMatchObject({ active_user_count: -1, build_time_stats: times })
    expect(await slow.client.templates.dailyActiveUsers({ params: { template: template.id } })).toEqual({ entries: [] })
  } finally {
    await slow.stop()
  }
})

test('the traffic of an agent makes its owner an active user of the day, and builds make times', async () => {
  verifies('templates:metrics')
  const token = randomUUID()
  const template = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'dev', type: 'machine', agents: [{ name: 'main', token }] }] } }],
  })
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
  await runSql(server, `update provisioner_jobs set started_at = completed_at - interval '1500 milliseconds' where id = $1`, [
    workspace.latest_build.job.id,
  ])
  await server.clientFor(token).agents.reportStats({
    body: { conns_by_proto: {}, num_comms: 0, rx_packets: 1, rx_bytes: 1, tx_packets: 1, tx_bytes: 1 },
  })
  const measured = await eventually(async () => {
    const found = await server.client.templates.get({ params: { template: template.id } })
    return found.active_user_count === 1 && found.build_time_stats.start.P50 === 1500 ? found : undefined
  })
  expect(measured.build_time_stats).toEqual({ delete: NOTHING, start: { P50: 1500, P95: 1500 }, stop: NOTHING })
  const today = `${server.clock.now().toISOString().slice(0, 10)}T00:00:00Z`
  expect(await server.client.templates.dailyActiveUsers({ params: { template: template.id } })).toEqual({
    entries: [{ date: today, amount: 1 }],
  })
})

test('users count once a day, days between have nobody, what is older than 30 days is over; a plain member may ask', async () => {
  verifies('templates:daily-users')
  const template = await createTemplate(server)
  const { client, id } = await createMember(server)
  const day = (ago: number): string => new Date(server.clock.now().getTime() - ago * 86_400_000).toISOString().slice(0, 10)
  await wasActive(template.id, id, `${day(40)}T10:00:00Z`)
  await wasActive(template.id, id, `${day(4)}T00:00:00Z`)
  await wasActive(template.id, id, `${day(4)}T23:59:59Z`)
  await wasActive(template.id, id, `${day(1)}T12:00:00Z`)
  await wasActive(template.id, server.firstUser.user_id, `${day(1)}T12:00:00Z`)
  const { entries } = await eventually(async () => {
    const answer = await client.templates.dailyActiveUsers({ params: { template: template.id } })
    return answer.entries.at(-1)?.amount === 2 ? answer : undefined
  })
  expect(entries).toEqual([4, 3, 2, 1].map((ago) => ({ date: `${day(ago)}T00:00:00Z`, amount: { 4: 1, 1: 2 }[ago] ?? 0 })))
})

test('the list has the most used templates first, then goes by name', async () => {
  verifies('templates:list-order')
  const [quiet, busy] = [await createTemplate(server), await createTemplate(server)]
  for (const user of [randomUUID(), randomUUID(), randomUUID()]) await wasActive(busy.id, user, server.clock.now().toISOString())
  const listed = await eventually(async () => {
    const list = await server.client.templates.list({ params: { organization: server.firstUser.organization_id } })
    return list.some(({ id, active_user_count }) => id === busy.id && active_user_count === 3) &&
      list.every(({ active_user_count }) => active_user_count >= 0)
      ? list
      : undefined
  })
  expect(listed[0]?.id).toBe(busy.id)
  const idle = listed.filter(({ active_user_count }) => active_user_count === 0).map(({ name }) => name)
  expect(idle).toContain(quiet.name)
  expect(idle).toEqual([...idle].sort())
})
