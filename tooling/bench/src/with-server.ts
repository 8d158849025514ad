import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Client } from '@berth/sdk'
import { startServerProcess, type ServerProcess } from '@berth/server/testing/server-process'
import type { Client as DatabaseClient } from 'pg'
import { connectToEmbedded } from './seed.ts'

export const PASSWORD = 'correct horse battery'
const CREDENTIALS = { email: 'bench@example.com', username: 'bench', password: PASSWORD }
const POLL_MS = 20

/** A server to measure. */
export interface Measured {
  readonly server: ServerProcess
  readonly dataDirectory: string
  /** A client signed in as an owner. */
  readonly owner: Client
  readonly ownerToken: string
  /** A connection to its database. */
  readonly database: DatabaseClient
  /** Signs in a user whose password is {@link PASSWORD}. Returns a token. */
  readonly login: (email: string) => Promise<string>
}

/** Runs `work` with a new data directory, then removes it. */
export async function withDataDirectory(work: (dataDirectory: string) => Promise<void>): Promise<void> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  await chmod(dataDirectory, 0o711)
  try {
    await work(dataDirectory)
  } finally {
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

/** Runs `work` with a new server that has the starter template and an owner, then stops it. */
export async function withServer(work: (measured: Measured) => Promise<void>): Promise<void> {
  await withDataDirectory(async (dataDirectory) => {
    const server = await startServerProcess({
      dataDirectory,
      settings: { BERTH_AUTO_IMPORT_TEMPLATES: 'local', BERTH_LOG_LEVEL: 'warn' },
    })
    try {
      const ownerToken = await signUp(server.url)
      const database = await connectToEmbedded(dataDirectory)
      const measured = {
        server,
        dataDirectory,
        owner: createClient({ url: server.url, token: ownerToken }),
        ownerToken,
        database,
        login: async (email: string) => await login(server.url, email),
      }
      await work(measured).finally(async () => await database.end())
    } finally {
      await server.stop()
    }
  })
}

/** Creates the first user and waits for the starter template. Returns a token. */
export async function signUp(url: string): Promise<string> {
  await createClient({ url }).users.createFirst({ body: CREDENTIALS })
  const token = await login(url, CREDENTIALS.email)
  const signedIn = createClient({ url, token })
  const [organization] = await signedIn.organizations.listOfUser({ params: { user: 'me' } })
  for (;;) {
    const [template] = await signedIn.templates.list({ params: { organization: organization?.id ?? '' } })
    if (template === undefined) throw new Error('the starter template was not imported')
    const version = await signedIn.templateVersions.get({ params: { templateversion: template.active_version_id } })
    if (version.job.status === 'succeeded') return token
    if (version.job.error !== undefined) throw new Error(version.job.error)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function login(url: string, email: string): Promise<string> {
  const { session_token } = await createClient({ url }).sessions.login({ body: { email, password: PASSWORD } })
  return session_token
}
