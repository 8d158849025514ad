import { createClient, watchWorkspace, type Client } from '@berth/sdk'
import { startServerProcess, type ServerProcess } from '@berth/server/testing/server-process'
import { figureLine, print, reportLine, timeEach } from './percentiles.ts'
import { residentMiB } from './resident-memory.ts'
import { connectToEmbedded } from './seed.ts'
import { signUp, withDataDirectory } from './with-server.ts'

const WARM_BOOTS = 5
const STARTS = 20
const IDLE_MS = 5_000
const POLL_MS = 20

/** Measures boots, and the way from no workspace to a usable one. */
export async function boots(): Promise<void> {
  await withDataDirectory(async (dataDirectory) => {
    const cold = await startServerProcess({
      dataDirectory,
      settings: { BERTH_AUTO_IMPORT_TEMPLATES: 'local', BERTH_LOG_LEVEL: 'warn' },
    })
    print(figureLine('cold boot (first start, new database)', { value: cold.bootMs, unit: 'ms' }))
    const token = await signUp(cold.url)
    await cold.stop()
    const samples: number[] = []
    let server: ServerProcess | undefined
    for (let round = 0; round < WARM_BOOTS; round++) {
      await server?.stop()
      server = await startServerProcess({ dataDirectory, settings: { BERTH_LOG_LEVEL: 'warn' } })
      samples.push(server.bootMs)
    }
    print(reportLine('warm boot', samples, 2_000))
    if (server === undefined) return
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    print(figureLine('idle memory of server and database', { value: await residentMiB(server.pid), unit: 'MiB', target: 350 }))
    print(reportLine('create → agent connected', await startWorkspaces(createClient({ url: server.url, token })), 1_500))
    print(reportLine('enqueue → picked up', await pickUps(dataDirectory), 50))
    await server.stop()
  })
}

/**
 * Creates workspaces one by one, waits until the agent is connected, and deletes them. Returns the
 * times to connect.
 */
async function startWorkspaces(client: Client): Promise<number[]> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
  const [template] = await client.templates.list({ params: { organization: organization?.id ?? '' } })
  let latest = ''
  const samples: number[] = []
  for (let round = 0; round < STARTS; round++) {
    const [sample = Number.NaN] = await timeEach(1, async () => {
      const { id } = await client.workspaces.create({
        params: { organization: organization?.id ?? '', user: 'me' },
        body: { template_id: template?.id ?? '', name: `bench-${round}` },
      })
      latest = id
      await agentConnected(client, id)
    })
    samples.push(sample)
    const { id: build } = await client.builds.create({ params: { workspace: latest }, body: { transition: 'delete' } })
    while ((await client.builds.get({ params: { workspacebuild: build } })).job.completed_at === undefined)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return samples
}

async function agentConnected(client: Client, id: string): Promise<void> {
  for await (const workspace of watchWorkspace(client, id, { initial: true })) {
    if (workspace.latest_build.job.error !== undefined) throw new Error(workspace.latest_build.job.error)
    const agents = workspace.latest_build.resources.flatMap((resource) => resource.agents ?? [])
    if (agents.some((agent) => agent.status === 'connected')) return
  }
}

async function pickUps(dataDirectory: string): Promise<number[]> {
  const database = await connectToEmbedded(dataDirectory)
  const { rows } = await database.query<{ ms: number }>(
    `select extract(epoch from started_at - created_at)::float8 * 1000 as ms from provisioner_jobs where started_at is not null`,
  )
  await database.end()
  return rows.map(({ ms }) => ms)
}
