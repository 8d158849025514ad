import type { TunnelRequest, TunnelStream } from '@berth/tunnel'
import { flood, joinedEnds } from './joined-ends.ts'
import { figureLine, print } from './percentiles.ts'
import { residentKiBOf } from './resident-memory.ts'
import { seedWorkspaces } from './seed.ts'
import { withServer, type Measured } from './with-server.ts'

const MEBIBYTE = 1024 * 1024
const STREAMS_PER_TUNNEL = 1_000
const IDLE_TUNNELS = 10
/** A user may have 4 000 streams. */
const TUNNELS_PER_USER = 4
const TRANSFER_BYTES = 256 * MEBIBYTE
const TRANSFERS = 5
const SETTLE_MS = 5_000

/** Measures streams through the server to agents: idle ones, stalled ones, and one that is busy. */
export async function streams(): Promise<void> {
  await withServer(async (measured) => {
    await seedWorkspaces(measured.database, { from: 1, to: IDLE_TUNNELS * 100 })
    const { server } = measured
    // The first tunnels and streams load and compile what all of them use.
    await measureTransfer(measured, MEBIBYTE)
    const rates: number[] = []
    for (let round = 0; round < TRANSFERS; round++) rates.push(await measureTransfer(measured, TRANSFER_BYTES))
    print(figureLine(`best of ${TRANSFERS} transfers of 256 MiB from an agent`, { value: Math.max(...rates), unit: 'MiB/s' }))
    print(figureLine('worst of them', { value: Math.min(...rates), unit: 'MiB/s' }))

    const before = await residentKiBOf(server.pid)
    print(figureLine('memory without streams', { value: before / 1024, unit: 'MiB' }))
    const idle = await openStreams(measured, { tunnels: IDLE_TUNNELS, answer: ({ accept }) => void accept() })
    const during = await residentKiBOf(server.pid)
    print(figureLine(`memory with ${idle.open()} idle streams`, { value: during / 1024, unit: 'MiB' }))
    print(figureLine('  for each of them', { value: (during - before) / idle.open(), unit: 'KiB' }))
    await idle.close()
    print(figureLine('  after they closed', { value: (await residentKiBOf(server.pid)) / 1024, unit: 'MiB' }))

    for (const tunnels of [1, IDLE_TUNNELS]) {
      const stalled = await openStreams(measured, {
        tunnels,
        streams: STREAMS_PER_TUNNEL / tunnels,
        answer: ({ accept }) => flood(accept()),
      })
      const memory = (await residentKiBOf(server.pid)) / 1024
      print(
        figureLine(`memory with 1000 stalled streams over ${tunnels} tunnel${tunnels === 1 ? '' : 's'}`, { value: memory, unit: 'MiB' }),
      )
      print(figureLine('  of them still open', { value: stalled.open(), unit: 'streams' }))
      await stalled.close()
      print(figureLine('  after they closed', { value: (await residentKiBOf(server.pid)) / 1024, unit: 'MiB' }))
    }
  })
}

interface Opened {
  readonly open: () => number
  readonly close: () => Promise<void>
}

interface Asked {
  readonly tunnels: number
  /** How many for each tunnel. */
  readonly streams?: number
  /** Answers for the agent. */
  readonly answer: (request: TunnelRequest) => void
}

/** Opens streams that their client doesn't read, and lets the server settle. */
async function openStreams(measured: Measured, { tunnels, streams: each = STREAMS_PER_TUNNEL, answer }: Asked): Promise<Opened> {
  const opened: TunnelStream[] = []
  const closings: (() => void)[] = []
  for (let number = 0; number < tunnels; number++) {
    // The seeded users own a hundred workspaces each.
    const workspace = Math.floor(number / TUNNELS_PER_USER) * 100 + (number % TUNNELS_PER_USER) + 1
    const { client, close } = await joinedEnds(measured, workspace, answer)
    closings.push(close)
    for (let start = 0; start < each; start += 50)
      opened.push(...(await Promise.all(Array.from({ length: Math.min(50, each - start) }, async () => await client.dial('ssh')))))
  }
  await settle()
  return {
    open: () => opened.filter(({ destroyed }) => !destroyed).length,
    close: async () => {
      for (const close of closings) close()
      await settle()
    },
  }
}

/** Returns how fast an agent's bytes reach a client, in MiB a second. */
async function measureTransfer(measured: Measured, bytes: number): Promise<number> {
  const { client, close } = await joinedEnds(measured, 1, ({ accept }) => flood(accept(), bytes))
  const stream = await client.dial('ssh')
  const startedAt = performance.now()
  let arrived = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) arrived += chunk.length
  if (arrived !== bytes) throw new Error(`${arrived} of ${bytes} bytes arrived`)
  close()
  return bytes / MEBIBYTE / ((performance.now() - startedAt) / 1_000)
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
}
