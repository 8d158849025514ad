import { createClient } from '@berth/sdk'
import { startStubServer, type StubServer, type StubStream } from '@berth/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { announceStop } from '../src/ssh/announce-stop.ts'
import { systemClock } from '../src/system-clock.ts'
import { build, workspace } from './fixtures.ts'

const minuteMs = 60_000

/** Also on a slow machine, where everything takes its time. */
const patiently = { timeout: 10_000 }

let stub: StubServer
let session: AbortController
beforeEach(async () => {
  stub = await startStubServer()
  session = new AbortController()
})
afterEach(async () => {
  session.abort()
  await stub.close()
})

interface Sleeper {
  readonly ms: number
  readonly wake: () => void
}

/** A clock that only moves when a sleep ends, which {@link passes} lets it. */
function standingClock() {
  let nowMs = Date.parse('2026-11-24T12:00:00Z')
  const sleepers = new Set<Sleeper>()
  return {
    clock: {
      ...systemClock,
      now: () => new Date(nowMs),
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((wake, reject) => {
          const sleeper = { ms, wake }
          sleepers.add(sleeper)
          signal?.addEventListener('abort', () => {
            sleepers.delete(sleeper)
            reject(new Error('aborted'))
          })
        }),
    },
    /** Waits for a sleep of these minutes, and lets it end. */
    async passes(minutes: number): Promise<void> {
      await expect.poll(() => [...sleepers].map(({ ms }) => ms / minuteMs), patiently).toEqual([minutes])
      const [sleeper] = sleepers
      sleepers.clear()
      nowMs += minutes * minuteMs
      sleeper?.wake()
    },
    in: (minutes: number) => new Date(nowMs + minutes * minuteMs).toISOString(),
  }
}

const stopsAt = (deadline: string | null) => workspace({ latest_build: build({ deadline }) })

test('notices come 30 and 5 minutes before the stop, and follow a new deadline', async () => {
  const time = standingClock()
  const said: string[] = []
  let stream: StubStream | undefined
  stub.on('workspaces.get', () => stopsAt(time.in(3 * 24 * 60)))
  stub.onStream('workspaces.watch', (_, opened) => {
    stream = opened
  })
  const notice = { workspace: workspace(), words: 'ada/dev', say: (line: string) => void said.push(line) }
  const done = announceStop(notice, { client: createClient({ url: stub.url }), clock: time.clock }, session.signal)
  // A long wait looks at the clock once a day.
  for (const minutes of [24 * 60, 24 * 60, 24 * 60 - 30]) await time.passes(minutes)
  await expect.poll(() => said.length, patiently).toBe(1)
  expect(said).toEqual([
    "The workspace dev stops in 30m. To keep it for 2 more hours, run 'berth schedule override-stop ada/dev 2h' in another terminal.",
  ])
  await stream?.send(stopsAt(time.in(120)))
  for (const minutes of [90, 25]) await time.passes(minutes)
  await expect
    .poll(() => said.map((line) => /stops in \w+/.exec(line)?.[0]), patiently)
    .toEqual(['stops in 30m', 'stops in 30m', 'stops in 5m'])
  await stream?.send(stopsAt(time.in(4)))
  await expect.poll(() => said.at(-1), patiently).toContain('stops in 4m.')
  session.abort()
  await done
  expect(said).toHaveLength(4)
})

test('a workspace without a deadline, or one that stops, gets no notice', async () => {
  const time = standingClock()
  const said: string[] = []
  stub.on('workspaces.get', () => stopsAt(null))
  stub.onStream('workspaces.watch', async (_, stream) => {
    await stream.send(workspace({ latest_build: build({ transition: 'stop', deadline: time.in(1) }) }))
    await stream.send(stopsAt(time.in(-1)))
    await stream.send(stopsAt(time.in(60)))
  })
  const notice = { workspace: workspace(), words: 'dev', say: (line: string) => void said.push(line) }
  const done = announceStop(notice, { client: createClient({ url: stub.url }), clock: time.clock }, session.signal)
  await time.passes(30)
  await expect.poll(() => said.length, patiently).toBe(1)
  session.abort()
  await done
  expect(said).toEqual([expect.stringContaining('stops in 30m')])
})
