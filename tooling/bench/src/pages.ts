import { createClient, type Client } from '@berth/sdk'
import { figureLine, percentile, print, reportLine, timeInTurns } from './percentiles.ts'
import { seedWorkspaces } from './seed.ts'
import { withServer } from './with-server.ts'

const SIZES = [1_000, 10_000, 100_000]
const READS = 400
const SEARCHES = 50
/** Requests that aren't measured, while statements are prepared and code is compiled. */
const WARM_UP = 50
const MAX_RATIO = 1.5
const SEARCHED = ['status:running', 'status:starting', 'name:ws-77', 'name:nothing-has-it', 'has-agent:connected', 'owner:seed-2']

/** A server with a number of workspaces. */
interface Sized {
  readonly size: number
  readonly owner: Client
  /** Owns a hundred of them. */
  readonly member: Client
}

/**
 * Measures pages of workspaces on servers of growing sizes, in turns, so that other load on the
 * machine affects all alike.
 */
export async function pages(): Promise<void> {
  await withSizes(SIZES, [], measure)
}

async function withSizes(
  sizes: readonly number[],
  ready: readonly Sized[],
  work: (sized: readonly Sized[]) => Promise<void>,
): Promise<void> {
  const [size, ...rest] = sizes
  if (size === undefined) return await work(ready)
  return await withServer(async ({ server, owner, database, login }) => {
    await seedWorkspaces(database, { from: 1, to: size })
    const member = createClient({ url: server.url, token: await login('seed-1@example.com') })
    await withSizes(rest, [...ready, { size, owner, member }], work)
  })
}

async function measure(sized: readonly Sized[]): Promise<void> {
  for (const who of ['owner', 'member'] as const) {
    const medians = await inTurns(sized, `GET /workspaces?limit=25, ${who}`, {
      times: READS,
      read: async (of) => await of[who].workspaces.list({ query: { limit: 25 } }),
    })
    const ratio = (medians.at(-1) ?? Number.NaN) / (medians[0] ?? Number.NaN)
    print(figureLine(`page of 25 at ${SIZES.at(-1)} relative to ${SIZES[0]}, ${who}`, { value: ratio, unit: '×', target: MAX_RATIO }))
  }
  // Seeded workspaces have the same IDs on every server.
  const [workspace] = (await sized[0]?.member.workspaces.list({ query: { limit: 1 } }))?.workspaces.map(({ id }) => id) ?? []
  await inTurns(sized, 'GET /workspaces/{id}', {
    times: READS,
    read: async ({ member }) => await member.workspaces.get({ params: { workspace: workspace ?? '' } }),
  })
  for (const q of SEARCHED)
    await inTurns(sized, `GET /workspaces?q=${q}&limit=25, owner`, {
      times: SEARCHES,
      read: async ({ owner }) => await owner.workspaces.list({ query: { q, limit: 25 } }),
    })
}

/**
 * Measures a request on each server in turns. Prints a line for each size and returns the medians.
 */
async function inTurns(
  sized: readonly Sized[],
  what: string,
  { times, read }: { readonly times: number; readonly read: (of: Sized) => Promise<unknown> },
): Promise<number[]> {
  const works = sized.map((of) => async () => await read(of))
  await timeInTurns(Math.min(times, WARM_UP), works)
  const samples = await timeInTurns(times, works)
  for (const [index, { size }] of sized.entries()) print(reportLine(`${what} at ${size}`, samples[index] ?? []))
  return samples.map((of) => percentile(of, 0.5))
}
