import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEchoDriver, type Driver } from '@berth/provisioner'
import { createClient, type Client } from '@berth/sdk'
import { pino } from 'pino'
import { createServer } from '../src/create-server.ts'
import type { Config } from '../src/settings/config.ts'
import { checkedFetch } from './checked-fetch.ts'
import { testConfig, type TestServer } from './start-test-server.ts'

/** One more server on the database of a test, with the session of its first user. */
export interface AnotherServer {
  readonly url: string
  /** Where it listens without TLS. */
  readonly httpUrl: string
  readonly client: Client
  stop(): Promise<void>
}

/** Starts a second server beside the first: same database, same clock, settings of its own. */
export async function startAnotherServer(
  first: TestServer,
  { config = {}, drivers = [createEchoDriver()] }: { readonly config?: Partial<Config>; readonly drivers?: readonly Driver[] } = {},
): Promise<AnotherServer> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-server-'))
  const server = await createServer(testConfig({ directory, databaseUrl: first.databaseUrl, overrides: config }), {
    logger: pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' }),
    clock: first.clock,
    drivers,
  })
  return {
    url: server.url,
    httpUrl: server.httpUrl ?? '',
    client: createClient({ url: server.url, token: first.firstUser.token, fetch: checkedFetch }),
    async stop() {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
