import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { agentStatuses } from '@berth/schema'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { timestamp } from '../src/clock.ts'
import { openDatabase, type Database } from '../src/database/database.ts'
import { agentJson, type StoredAgent } from '../src/database/wire-json.ts'
import { ResourcePresenter } from '../src/features/agents/present.ts'
import { filterSql } from '../src/features/workspaces/filter-sql.ts'
import { buildEnded, createTemplate, createWorkspace } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const NOW_MS = Date.parse('2026-06-01T12:00:00Z')
const INACTIVE_MS = 30_000
const TIMEOUT_SECONDS = 60
const REPLICA_ID = randomUUID()

/** Milliseconds after {@link NOW_MS}; null: the column is null. */
const CREATED = [0, -TIMEOUT_SECONDS * 1000, -TIMEOUT_SECONDS * 1000 - 1, -86_400_000]
const TIMEOUTS = [0, TIMEOUT_SECONDS]
const LAST_CONNECTED = [null, 0, -1, -INACTIVE_MS, -INACTIVE_MS - 1, -3_600_000]
const DISCONNECTED = [null, 0, -1, -INACTIVE_MS, -3_600_001]
/** When the agent's replica last said that its agents are alive; undefined without a replica. */
const BEATS = [undefined, 0, -INACTIVE_MS - 1]

let server: TestServer
let database: Database
beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase({ connectionUrl: server.databaseUrl, logger: pino({ level: 'silent' }), maxConnections: 1 })
  const template = await createTemplate(server, { apply: [{ complete: { resources: [{ name: 'box', agents: [{ name: 'main' }] }] } }] })
  const workspace = await createWorkspace(server, template)
  await buildEnded(server.client, workspace.latest_build.id)
})
afterAll(async () => {
  await database.close()
  await server.stop()
})

const at = (offsetMs: number | null): string | null => (offsetMs === null ? null : timestamp(NOW_MS + offsetMs))

interface Case {
  readonly created: number
  readonly timeout: number
  readonly lastConnected: number | null
  readonly disconnected: number | null
  readonly beat: number | undefined
}

/** Agents that never connected have no replica. */
const cases: Case[] = CREATED.flatMap((created) =>
  TIMEOUTS.flatMap((timeout) =>
    LAST_CONNECTED.flatMap((lastConnected) =>
      DISCONNECTED.flatMap((disconnected) =>
        BEATS.filter((beat) => beat === undefined || lastConnected !== null).map((beat) => ({
          created,
          timeout,
          lastConnected,
          disconnected,
          beat,
        })),
      ),
    ),
  ),
)

async function store({ created, timeout, lastConnected, disconnected, beat }: Case): Promise<void> {
  await sql`delete from replica_beats`.execute(database.kysely)
  if (beat !== undefined) await sql`insert into replica_beats values (${REPLICA_ID}, ${at(beat)})`.execute(database.kysely)
  await sql`
    update workspace_agents set created_at = ${at(created)}, connection_timeout_seconds = ${timeout}, first_connected_at = ${at(lastConnected)},
      last_connected_at = ${at(lastConnected)}, disconnected_at = ${at(disconnected)},
      connected_replica_id = ${beat === undefined ? null : REPLICA_ID}`.execute(database.kysely)
}

test('the filter by agent status finds what the one rule for the status says, at every boundary', async () => {
  verifies('workspaces:list:has-agent', 'workspaces:list:inactivity-timeout')
  const presenter = new ResourcePresenter({
    clock: { now: () => new Date(NOW_MS) },
    inactiveDisconnectTimeoutMs: INACTIVE_MS,
    fallbackTroubleshootingUrl: '',
  })
  const instants = { now: timestamp(NOW_MS), inactiveBefore: timestamp(NOW_MS - INACTIVE_MS) }
  const matches = sql.join(agentStatuses.map((status) => filterSql({ hasAgent: [status] }, instants)))
  const seen = new Set<string>()
  for (const stored of cases) {
    await store(stored)
    const { rows } = await sql<{ agent: StoredAgent; matches: boolean[] }>`
      select ${agentJson} as agent, array[${matches}] as matches from workspaces workspace
      join workspace_resources resource on resource.job_id = workspace.latest_job_id
      join workspace_agents agent on agent.resource_id = resource.id`.execute(database.kysely)
    const [row, ...others] = rows
    if (row === undefined || others.length > 0) throw new Error('there is one workspace with one agent')
    const { status } = presenter.presentAgent(row.agent)
    expect({ ...stored, found: agentStatuses.filter((_, index) => row.matches[index]) }).toEqual({ ...stored, found: [status] })
    seen.add(status)
  }
  expect([...seen].sort()).toEqual([...agentStatuses].sort())
})
