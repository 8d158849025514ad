import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, type Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { startServerProcess, type ServerProcess, type ServerProcessOptions } from '@berth/server/testing/server-process'

/** The script of the built CLI. */
export const BERTH = fileURLToPath(new URL('../../cli/bin/berth.js', import.meta.url))

/** What a command left behind. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What someone has who just cloned the project: the built server, the built CLI, own folders. */
export interface Deployment {
  readonly dataDirectory: string
  readonly homeDirectory: string
  server: ServerProcess
  /** Runs the CLI as a process. */
  berth(words: readonly string[], options?: { input?: string; cwd?: string; environment?: Record<string, string> }): Promise<CommandResult>
  /** A client that is signed in as the first user, whom it creates when there is none. */
  signIn(): Promise<Client>
  /** Starts the server again on the same address and data. */
  restart(): Promise<void>
  /** Ends everything, workspaces too. */
  remove(): Promise<void>
}

export const FIRST_USER = { email: 'ada@example.com', username: 'ada', password: 'correct horse battery' }

export async function createDeployment(
  settings: Readonly<Record<string, string>> = {},
  place: Pick<ServerProcessOptions, 'host' | 'through'> = {},
): Promise<Deployment> {
  const root = await mkdtemp(join(tmpdir(), 'berth-e2e-'))
  // As root the database and the workspaces run under other users, who have to pass through.
  await chmod(root, 0o711)
  const dataDirectory = join(root, 'data')
  const homeDirectory = await mkdtemp(join(root, 'home-'))
  const start = async (port?: number): Promise<ServerProcess> =>
    await startServerProcess({
      ...place,
      dataDirectory,
      settings: { BERTH_AUTO_IMPORT_TEMPLATES: 'local', ...settings },
      ...(port !== undefined && { port }),
    })
  const deployment: Deployment = {
    dataDirectory,
    homeDirectory,
    server: await start(),
    berth: async (words, options = {}) => await run(words, { home: homeDirectory, ...options }),
    signIn: async () => await signIn(deployment.server.url),
    async restart() {
      deployment.server = await start(deployment.server.port)
    },
    async remove() {
      await deleteWorkspaces(deployment).catch(() => {})
      await deployment.server.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
  return deployment
}

async function run(
  words: readonly string[],
  options: { home: string; input?: string; cwd?: string; environment?: Record<string, string> },
): Promise<CommandResult> {
  const environment = { PATH: process.env['PATH'], HOME: options.home, USER: 'ada', LANG: 'C.UTF-8', ...options.environment }
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [BERTH, ...words],
      { env: environment, cwd: options.cwd ?? options.home, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
    child.stdin?.end(options.input ?? '')
  })
}

async function signIn(url: string): Promise<Client> {
  const stranger = createClient({ url })
  const hasUser = await stranger.users.hasFirst().then(
    () => true,
    () => false,
  )
  if (!hasUser) await stranger.users.createFirst({ body: FIRST_USER })
  const { session_token } = await stranger.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  return createClient({ url, token: session_token })
}

/** Waits until the starter template is imported, which begins with the first user's sign-up. */
export async function starterTemplateImported(client: Client): Promise<void> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
  await eventually(async () => {
    const [template] = await client.templates.list({ params: { organization: organization?.id ?? '' } })
    if (template === undefined) return undefined
    const { job } = await client.templateVersions.get({ params: { templateversion: template.active_version_id } })
    return job.status === 'succeeded' ? template : undefined
  })
}

async function deleteWorkspaces({ server }: Deployment): Promise<void> {
  const client = await signIn(server.url)
  const { workspaces } = await client.workspaces.list()
  for (const { id } of workspaces) {
    const build = await client.builds.create({ params: { workspace: id }, body: { transition: 'delete' } })
    await eventually(async () => (await client.builds.get({ params: { workspacebuild: build.id } })).job.completed_at)
  }
}
