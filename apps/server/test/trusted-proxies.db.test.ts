import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../src/settings/config-error.ts'
import { readConfig, type Config } from '../src/settings/config.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { FIRST_USER, startTestServer, type TestServer } from './start-test-server.ts'

function read(environment: Record<string, string>): Config {
  return readConfig({ arguments: [], environment, userId: 1000, homeDirectory: '/home/ada', agentDirectory: '/agent' })
}

const BEHIND = { BERTH_PROXY_TRUSTED_HEADERS: 'X-Real-Ip, X-Forwarded-For', BERTH_PROXY_TRUSTED_ORIGINS: '127.0.0.0/8' }

let server: TestServer
beforeAll(async () => {
  const { trustedProxies } = read(BEHIND)
  server = await startTestServer({ config: { trustedProxies, apiRateLimit: 2 } })
})
afterAll(async () => await server.stop())

/** The status of a request that is said to be from somebody. */
async function askAs({ url }: TestServer, client: string): Promise<number> {
  return (await rawRequest(url, 'GET /buildinfo', { headers: { 'X-Real-Ip': client, 'X-Forwarded-For': client } })).status
}

describe('behind a proxy that is trusted', () => {
  test('keys and the audit log know the address of the client', async () => {
    verifies('wire:trusted-proxies')
    const headers = { 'X-Forwarded-For': '198.51.100.1, 203.0.113.9, 127.0.0.3' }
    const login = await rawRequest(server.url, 'POST /users/login', { body: FIRST_USER, headers })
    const { session_token: token } = login.json as { session_token: string }
    const [key] = await runSql(server, 'select ip_address as ip from api_keys where id = $1', [token.slice(0, 10)])
    expect(key).toEqual({ ip: '203.0.113.9' })
    await rawRequest(server.url, 'PUT /users/me/gitsshkey', { token, headers })
    const entries = await runSql(server, `select ip from audit_logs where resource_type = 'git_ssh_key'`)
    expect(entries).toEqual([{ ip: '203.0.113.9' }])
  })

  test('clients are counted apart', async () => {
    verifies('wire:trusted-proxies')
    const answers = ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map(async (client) => await askAs(server, client))
    expect((await Promise.all(answers)).toSorted((one, other) => one - other)).toEqual([200, 200, 200, 429])
    expect(await askAs(server, '192.0.2.1')).toBe(429)
  })
})

test('a stranger who says so is not believed', async () => {
  verifies('wire:trusted-proxies')
  const plain = await startTestServer({ config: { apiRateLimit: 2 } })
  try {
    expect([await askAs(plain, '192.0.2.1'), await askAs(plain, '192.0.2.2'), await askAs(plain, '192.0.2.3')]).toEqual([200, 200, 429])
  } finally {
    await plain.stop()
  }
})

test.each([
  [{ BERTH_PROXY_TRUSTED_HEADERS: 'X-Real-Ip' }, /^BERTH_PROXY_TRUSTED_HEADERS cannot be used: no proxy is trusted/],
  [{ BERTH_PROXY_TRUSTED_ORIGINS: '10.0.0.0/8' }, /^BERTH_PROXY_TRUSTED_ORIGINS cannot be used: no header is trusted/],
  [
    { ...BEHIND, BERTH_PROXY_TRUSTED_ORIGINS: '10.0.0.0/33' },
    /^BERTH_PROXY_TRUSTED_ORIGINS cannot be used: "10.0.0.0\/33" is not an address range/,
  ],
  [{ ...BEHIND, BERTH_PROXY_TRUSTED_ORIGINS: 'proxy' }, /"proxy" is not an address range/],
  [{ ...BEHIND, BERTH_PROXY_TRUSTED_HEADERS: 'X:Y' }, /^BERTH_PROXY_TRUSTED_HEADERS cannot be used: "X:Y" is not a header name/],
])('%j is refused in one line', (environment, message) => {
  let refusal: unknown
  try {
    read(environment)
  } catch (error) {
    refusal = error
  }
  expect(refusal).toBeInstanceOf(ConfigError)
  expect((refusal as ConfigError).message).toMatch(message)
})
