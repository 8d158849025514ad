import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEchoDriver, type Driver } from '@berth/provisioner'
import { createClient, type Client } from '@berth/sdk'
import { pino, type Logger } from 'pino'
import { createServer, type BerthServer } from '../src/create-server.ts'
import { readConfig, type Config } from '../src/settings/config.ts'
import { checkedFetch } from './checked-fetch.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
import { FakeClock } from './fake-clock.ts'

export interface TestServerOptions {
  readonly clock?: FakeClock
  /** Overrides of the test defaults: echo provisioner, no rate limit, any free port. */
  readonly config?: Partial<Config>
  /** Default: the echo driver alone. */
  readonly drivers?: readonly Driver[]
  /** Default: one that is silent unless `BERTH_TEST_LOG` says otherwise. */
  readonly logger?: Logger
  /** Default: a database of its own. */
  readonly databaseUrl?: string
}

/** A real server on a database of its own, with its first user signed in. */
export interface TestServer {
  readonly url: string
  readonly databaseUrl: string
  readonly clock: FakeClock
  readonly server: BerthServer
  /** Signed in as the first user, an owner. Every answer is held against the contract. */
  readonly client: Client
  readonly firstUser: { readonly user_id: string; readonly organization_id: string; readonly token: string }
  /** A client with another token, or none. */
  clientFor(token?: string): Client
  stop(): Promise<void>
}

/** Seals the secrets in the databases of tests. */
export const TEST_SECRET_KEY = Buffer.alloc(32, 'test')
export const FIRST_USER = { email: 'testuser@coder.com', username: 'testuser', password: 'testpass' }

/**
 * A database whose first user has signed up and in, kept so that other tests copy it. Hashing the
 * password twice takes as long as starting a server.
 */
interface SignedUp {
  readonly template: string
  readonly firstUser: TestServer['firstUser']
}
let signedUp: Promise<SignedUp> | undefined

/** Starts a server for a test; stop it when the test is over. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  // Settings may change what signing up stores, such as secrets under another key.
  if (options.databaseUrl !== undefined || options.config !== undefined) return await start(options)
  return await start(options, await (signedUp ??= signUpOnce()))
}

async function signUpOnce(): Promise<SignedUp> {
  const database = await createTestDatabase()
  const { server, firstUser } = await start({ databaseUrl: database.url })
  await server.stop()
  return { template: database.name, firstUser }
}

async function start(options: TestServerOptions, known?: SignedUp): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-server-'))
  const database: TestDatabase | undefined = options.databaseUrl === undefined ? await createTestDatabase(known?.template) : undefined
  const databaseUrl = options.databaseUrl ?? database?.url ?? ''
  const clock = options.clock ?? new FakeClock()
  const server = await createServer(testConfig({ directory, databaseUrl, overrides: options.config ?? {} }), {
    logger: options.logger ?? pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' }),
    clock,
    drivers: options.drivers ?? [createEchoDriver()],
  })
  const clientFor = (token?: string): Client =>
    createClient({ url: server.url, fetch: checkedFetch, ...(token !== undefined && { token }) })
  const firstUser = known?.firstUser ?? (await signUp(clientFor()))
  return {
    url: server.url,
    databaseUrl,
    clock,
    server,
    client: clientFor(firstUser.token),
    firstUser,
    clientFor,
    async stop() {
      await server.stop()
      await database?.drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The settings of a test. */
export function testConfig(options: { directory: string; databaseUrl: string; overrides: Partial<Config> }): Config {
  const defaults = readConfig({
    arguments: [],
    environment: {
      BERTH_HTTP_ADDRESS: '127.0.0.1:0',
      BERTH_PG_CONNECTION_URL: options.databaseUrl,
      BERTH_DATA_DIR: options.directory,
      BERTH_API_RATE_LIMIT: '-1',
      BERTH_ECHO_PROVISIONER: 'true',
      // Several servers of a test share a database, and so its secrets.
      BERTH_SECRET_KEY: TEST_SECRET_KEY.toString('base64'),
      // Tests say themselves when schedules are looked at.
      BERTH_AUTOBUILD_POLL_INTERVAL: '8760h',
      BERTH_AGENT_CONNECTION_UPDATE_FREQUENCY: '150ms',
      BERTH_AGENT_INACTIVE_DISCONNECT_TIMEOUT: '5s',
    },
    userId: undefined,
    homeDirectory: options.directory,
    agentDirectory: options.directory,
  })
  return { ...defaults, ...options.overrides }
}

async function signUp(client: Client): Promise<TestServer['firstUser']> {
  const first = await client.users.createFirst({ body: FIRST_USER })
  const { session_token } = await client.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  return { ...first, token: session_token }
}
