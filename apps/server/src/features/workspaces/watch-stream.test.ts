import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PubSub, PubSubListener } from '../../database/pubsub.ts'
import { WakeUps } from '../../database/wake-ups.ts'
import { EventStream } from '../../http/event-stream.ts'
import { ResourcePresenter } from '../agents/present.ts'
import type { WorkspaceStore, WorkspaceView } from './store.ts'
import { WorkspaceWatches } from './watch-stream.ts'

const ID = '00000000-0000-4000-8000-000000000001'
const START = Date.parse('2022-12-19T10:00:00Z')

beforeEach(() => {
  vi.useFakeTimers({ now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

interface AgentTimes {
  readonly connection_timeout_seconds?: number
  readonly last_connected_at?: string
}

/** Returns a view with only the fields that the watch reads. */
function viewOf(name: string, agent: AgentTimes): WorkspaceView {
  const times = {
    created_at: '2022-12-19T10:00:00Z',
    last_connected_at: null,
    disconnected_at: null,
    connection_timeout_seconds: 0,
    apps: [],
    ...agent,
  }
  const job = { started_at: null, canceled_at: null, completed_at: null, error: null, updated_at: '2022-12-19T10:00:00Z', worker_id: null }
  const build = {
    job,
    transition: 'start',
    deadline: '0001-01-01T00:00:00Z',
    resources: [{ agents: [{ id: 'agent', ...times }], metadata: [] }],
  }
  return { name, build } as unknown as WorkspaceView
}

const NOBODY: PubSubListener = () => {}

function setUp(agent: AgentTimes = {}) {
  let listener = NOBODY
  const pubsub = { subscribe: (_: string, heard: PubSubListener) => ((listener = heard), () => {}) } as unknown as PubSub
  const state = { name: 'dev', isBroken: false, reads: 0, agent }
  const store = {
    async findView() {
      state.reads += 1
      if (state.isBroken) throw new Error('the database is away')
      return viewOf(state.name, state.agent)
    },
  } as unknown as WorkspaceStore
  const clock = { now: () => new Date() }
  const resources = new ResourcePresenter({ clock, inactiveDisconnectTimeoutMs: 6_000, fallbackTroubleshootingUrl: '' })
  const watches = new WorkspaceWatches({ store, wakeUps: new WakeUps(pubsub, 'workspaces'), resources, clock })
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const written: string[] = []
  vi.spyOn(response, 'flushHeaders').mockReturnValue()
  vi.spyOn(response, 'write').mockImplementation((chunk: unknown) => written.push(String(chunk)) > 0)
  const announce = (): void => void listener({ kind: 'message', payload: ID })
  return { watches, response, stream: new EventStream(response), written, state, announce, resync: () => void listener({ kind: 'resync' }) }
}

/** Runs everything that is not waiting for time to pass. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

const events = (written: readonly string[]): (string | undefined)[] => written.map((text) => /^event: (\w+)\n/.exec(text)?.[1])

test('a ping comes at once and every 15 seconds, and none after the client has left', async () => {
  const { watches, stream, response, written } = setUp()
  watches.add(ID, stream)
  await vi.advanceTimersByTimeAsync(45_000)
  expect(written).toEqual(Array.from({ length: 4 }, () => 'event: ping\n\n'))
  response.emit('close')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(written).toHaveLength(4)
  expect(vi.getTimerCount()).toBe(0)
})

test('each change is an event, and changes that are faster than reads are merged', async () => {
  const { watches, stream, written, state, announce } = setUp()
  watches.add(ID, stream)
  await settle()
  for (let count = 0; count < 3; count += 1) announce()
  await settle()
  expect(events(written)).toEqual(['ping', 'data', 'data', 'data'])
  state.name = 'newest'
  for (let count = 0; count < 1000; count += 1) announce()
  await settle()
  expect(written.length).toBeLessThan(30)
  expect(written.at(-1)).toContain('"name":"newest"')
})

test('a gap in the notifications counts as a change', async () => {
  const { watches, stream, written, resync } = setUp()
  watches.add(ID, stream)
  await settle()
  resync()
  await settle()
  expect(events(written)).toEqual(['ping', 'data'])
})

test('a failed read is an error event, and the stream continues', async () => {
  const { watches, stream, written, state, announce } = setUp()
  watches.add(ID, stream)
  await settle()
  state.isBroken = true
  announce()
  await settle()
  state.isBroken = false
  announce()
  await settle()
  expect(events(written)).toEqual(['ping', 'error', 'data'])
  expect(written[1]).toBe('event: error\ndata: {"message":"Internal error fetching workspace."}\n\n')
})

test('an agent that does not connect in time causes one event when it times out', async () => {
  const { watches, stream, written } = setUp({ connection_timeout_seconds: 10 })
  watches.add(ID, stream)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(events(written)).toEqual(['ping'])
  await vi.advanceTimersByTimeAsync(1)
  expect(events(written)).toEqual(['ping', 'data'])
  expect(written[1]).toContain('"status":"timeout"')
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(events(written).filter((event) => event === 'data')).toHaveLength(1)
})

test('a time-out is not lost when the workspace cannot be read at that moment', async () => {
  const { watches, stream, written, state } = setUp({ connection_timeout_seconds: 10 })
  watches.add(ID, stream)
  await vi.advanceTimersByTimeAsync(9_000)
  state.isBroken = true
  await vi.advanceTimersByTimeAsync(5_000)
  expect(events(written)).toEqual(['ping'])
  state.isBroken = false
  await vi.advanceTimersByTimeAsync(1_001)
  expect(written.filter((text) => text.includes('"status":"timeout"'))).toHaveLength(1)
  expect(events(written)).not.toContain('error')
})

test('an agent causes no event while it reports, and one when it goes silent', async () => {
  const { watches, stream, written, state } = setUp({ last_connected_at: '2022-12-19T10:00:00Z' })
  watches.add(ID, stream)
  for (let second = 1; second <= 14; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000)
    state.agent = { last_connected_at: new Date().toISOString() }
  }
  expect(events(written)).toEqual(['ping'])
  await vi.advanceTimersByTimeAsync(6_001)
  expect(written.filter((text) => text.includes('"status":"disconnected"'))).toHaveLength(1)
  expect(state.reads).toBeLessThan(8)
})

test('a wait that is too long for a timer is split', async () => {
  const { watches, stream, written } = setUp({ connection_timeout_seconds: 2_147_483_647 })
  watches.add(ID, stream)
  await vi.advanceTimersByTimeAsync(7_200_000)
  expect(written.filter((text) => text.includes('event: data'))).toEqual([])
})
