import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, watchWorkspace, type Client } from '@berth/sdk'
import { reportLine } from './percentiles.ts'
import { connectToEmbedded, seedWorkspaces } from './seed.ts'
import { startServerProcess, type ServerProcess } from '@berth/server/testing/server-process'
import { residentMiB } from './resident-memory.ts'

/*
 * What Berth promises about speed and size, measured on the built server as people run it. Figures depend on the machine: compare them with others of the same machine.
 */

const STARTS = 20
const READS = 300
const SEEDED = Number(process.argv[2] ?? 10_000)
const PASSWORD = 'correct horse battery'
const CREDENTIALS = { email: 'bench@example.com', username: 'bench', password: PASSWORD }
const IDLE_MS = 5_000

async function main(): Promise<void> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  await chmod(dataDirectory, 0o711)
  try {
    const cold = await startServerProcess({ dataDirectory, settings: { BERTH_AUTO_IMPORT_TEMPLATES: 'local', BERTH_LOG_LEVEL: 'warn' } })
    print(`cold boot (first start, new database) ${cold.bootMs.toFixed(0)} ms`)
    const owner = await signUp(cold.url)
    await cold.stop()
    const boots: number[] = []
    let server: ServerProcess | undefined
    for (let round = 0; round < 5; round++) {
      await server?.stop()
      server = await startServerProcess({ dataDirectory, settings: { BERTH_LOG_LEVEL: 'warn' } })
      boots.push(server.bootMs)
    }
    print(reportLine('warm boot', boots, 2_000))
    if (server === undefined) return
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    const idle = await residentMiB(server.pid)
    print(`idle memory of server and database ${idle.toFixed(0)} MiB  (target ≤ 350: ${idle <= 350 ? 'met' : 'MISSED'})`)
    await measure(server, dataDirectory, owner)
    await server.stop()
  } finally {
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

async function measure(server: ServerProcess, dataDirectory: string, token: string): Promise<void> {
  const client = createClient({ url: server.url, token })
  print(reportLine('create → agent connected', await startWorkspaces(client), 1_500))
  const database = await connectToEmbedded(dataDirectory)
  const { rows } = await database.query<{ ms: number }>(
    `select extract(epoch from started_at - created_at)::float8 * 1000 as ms from provisioner_jobs where started_at is not null`,
  )
  print(
    reportLine(
      'enqueue → picked up',
      rows.map(({ ms }) => ms),
      50,
    ),
  )
  await seedWorkspaces(database, SEEDED)
  const { rows: seeded } = await database.query<{ id: string }>(
    `select id from workspaces where name like 'ws-%' order by name limit ${READS}`,
  )
  await database.end()
  const member = createClient({ url: server.url, token: await login(server.url, 'seed-1@example.com') })
  print(
    reportLine(
      `GET /workspaces/{id} at ${SEEDED}`,
      await timeReads(
        seeded.map(
          ({ id }) =>
            async () =>
              await client.workspaces.get({ params: { workspace: id } }),
        ),
      ),
    ),
  )
  for (const [who, reader] of [
    ['owner', client],
    ['member', member],
  ] as const) {
    const page = async (): Promise<unknown> => await reader.workspaces.list({ query: { limit: 25 } })
    print(reportLine(`GET /workspaces?limit=25 at ${SEEDED}, ${who}`, await timeReads(Array.from({ length: READS }, () => page)), 50))
  }
}

async function signUp(url: string): Promise<string> {
  const client = createClient({ url })
  await client.users.createFirst({ body: CREDENTIALS })
  const token = await login(url, CREDENTIALS.email)
  const signedIn = createClient({ url, token })
  const [organization] = await signedIn.organizations.listOfUser({ params: { user: 'me' } })
  for (;;) {
    const [template] = await signedIn.templates.list({ params: { organization: organization?.id ?? '' } })
    if (template === undefined) throw new Error('the starter template was not imported')
    const version = await signedIn.templateVersions.get({ params: { templateversion: template.active_version_id } })
    if (version.job.status === 'succeeded') return token
    if (version.job.error !== undefined) throw new Error(version.job.error)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function login(url: string, email: string): Promise<string> {
  const { session_token } = await createClient({ url }).sessions.login({ body: { email, password: PASSWORD } })
  return session_token
}

/** One after the other: create, wait until the agent is connected, delete. */
async function startWorkspaces(client: Client): Promise<number[]> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
  const [template] = await client.templates.list({ params: { organization: organization?.id ?? '' } })
  const samples: number[] = []
  for (let round = 0; round < STARTS; round++) {
    const startedAt = performance.now()
    const { id } = await client.workspaces.create({
      params: { organization: organization?.id ?? '', user: 'me' },
      body: { template_id: template?.id ?? '', name: `bench-${round}` },
    })
    for await (const workspace of watchWorkspace(client, id, { initial: true })) {
      if (workspace.latest_build.job.error !== undefined) throw new Error(workspace.latest_build.job.error)
      const agents = workspace.latest_build.resources.flatMap((resource) => resource.agents ?? [])
      if (agents.some((agent) => agent.status === 'connected')) break
    }
    samples.push(performance.now() - startedAt)
    const { id: build } = await client.builds.create({ params: { workspace: id }, body: { transition: 'delete' } })
    while ((await client.builds.get({ params: { workspacebuild: build } })).job.completed_at === undefined)
      await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return samples
}

async function timeReads(reads: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const samples: number[] = []
  for (const read of reads) {
    const startedAt = performance.now()
    await read()
    samples.push(performance.now() - startedAt)
  }
  return samples
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

await main()
