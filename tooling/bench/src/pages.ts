import { createClient } from '@berth/sdk'
import { figureLine, percentile, print, reportLine, timeEach } from './percentiles.ts'
import { seedWorkspaces } from './seed.ts'
import { withServer } from './with-server.ts'

const SIZES = [1_000, 10_000, 100_000]
const READS = 400
const SEARCHES = 50
/** Not measured: statements are prepared and code is compiled. */
const WARM_UP = 100
const MAX_RATIO = 1.5

/** Pages of workspaces, at growing sizes. */
export async function pages(): Promise<void> {
  await withServer(async ({ server, owner, database, login }) => {
    const medians = new Map<string, number[]>()
    let seeded = 0
    for (const size of SIZES) {
      await seedWorkspaces(database, { from: seeded + 1, to: size })
      seeded = size
      const member = createClient({ url: server.url, token: await login('seed-1@example.com') })
      for (const [who, reader] of Object.entries({ owner, member })) {
        const page = async (): Promise<unknown> => await reader.workspaces.list({ query: { limit: 25 } })
        await timeEach(WARM_UP, page)
        const samples = await timeEach(READS, page)
        print(reportLine(`GET /workspaces?limit=25 at ${size}, ${who}`, samples, 50))
        medians.set(who, [...(medians.get(who) ?? []), percentile(samples, 0.5)])
      }
      const { rows } = await database.query<{ id: string }>(
        `select id from workspaces where name like 'ws-%' order by name limit ${SEARCHES}`,
      )
      const one = async (round: number): Promise<unknown> =>
        await owner.workspaces.get({ params: { workspace: rows[round % rows.length]?.id ?? '' } })
      print(reportLine(`GET /workspaces/{id} at ${size}`, await timeEach(READS, one)))
      for (const q of ['status:running', 'status:starting', 'name:ws-77', 'name:nothing-has-it', 'has-agent:connected', 'owner:seed-2']) {
        const search = async (): Promise<unknown> => await owner.workspaces.list({ query: { q, limit: 25 } })
        print(reportLine(`GET /workspaces?q=${q}&limit=25 at ${size}, owner`, await timeEach(SEARCHES, search)))
      }
    }
    for (const [who, [smallest = Number.NaN, ...rest]] of medians)
      print(
        figureLine(`page of 25 at ${SIZES.at(-1)} to that at ${SIZES[0]}, ${who}`, {
          value: (rest.at(-1) ?? Number.NaN) / smallest,
          unit: '×',
          target: MAX_RATIO,
        }),
      )
  })
}
