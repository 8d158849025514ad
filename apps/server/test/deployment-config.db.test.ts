import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifies } from '@berth/requirements'
import { parseBool, parseDuration } from '@berth/schema/rules'
import { deploymentSettings, type DeploymentConfig, type DeploymentConfigField } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../src/settings/config-error.ts'
import { configHelp } from '../src/settings/config-help.ts'
import { readConfig, type Config, type ConfigSources } from '../src/settings/config.ts'
import { version } from '../src/version.ts'
import { callApi } from './call-api.ts'
import { eventually } from './eventually.ts'
import { createMember, createTemplate } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

function read(environment: Record<string, string>, list: readonly string[] = [], settingsFile?: ConfigSources['settingsFile']): Config {
  return readConfig({ arguments: list, environment, userId: 1000, homeDirectory: '/home/ada', agentDirectory: '/agent', settingsFile })
}

function refusalOf(environment: Record<string, string>, list: readonly string[] = []): string {
  try {
    read(environment, list)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

function fieldAt(config: DeploymentConfig, path: string): DeploymentConfigField {
  // What the path leads to is a field, which the caller asserts.
  return path.split('.').reduce<unknown>((place, word) => Object(place)[word] as unknown, config) as DeploymentConfigField
}

/** Every field of the answer with its path. */
function fieldsOf(config: DeploymentConfig, path: readonly string[] = []): [path: string, field: DeploymentConfigField][] {
  return Object.entries(config).flatMap(([word, below]) =>
    typeof below['flag'] === 'string'
      ? [[[...path, word].join('.'), below as DeploymentConfigField]] // only fields have a flag
      : fieldsOf(below as DeploymentConfig, [...path, word]),
  )
}

/** Reads the default of a line of the help as the type of the field. */
function readDefault(text: string, { default: standard }: DeploymentConfigField): unknown {
  if (typeof standard === 'boolean') return parseBool(text)
  if (typeof standard === 'number') return /^\d+$/.test(text) ? Number(text) : parseDuration(text) * 1_000_000
  return Array.isArray(standard) ? text.split(',') : text
}

const releaseNamed = (tag_name: string) => ({
  status: 200,
  body: JSON.stringify({ tag_name, html_url: `https://example.com/${tag_name}` }),
})

let server: TestServer
beforeAll(async () => {
  const { deploymentValues } = read(
    {
      CODER_ACCESS_URL: 'https://berth.example.com:8443',
      BERTH_AUTOBUILD_POLL_INTERVAL: '2m',
      BERTH_PROVISIONER_DAEMONS: '2',
      BERTH_PG_CONNECTION_URL: 'postgres://u:hunter2@h/d',
      BERTH_AUTO_IMPORT_TEMPLATES: 'local',
    },
    [],
    {
      path: '/etc/berth/server.yaml',
      text: 'max_token_lifetime: 48h\nprovisioner:\n  daemons: 9\nagent_fallback_troubleshooting_url: https://help.example.com\noidc:\n  client_secret: hunter2\n  client_id: berth\n  issuer_url: https://id.example.com',
    },
  )
  server = await startTestServer({
    config: { deploymentValues, accessUrl: 'https://berth.example.com:8443', wildcardAccessUrl: '*.apps.example.com' },
  })
})
afterAll(async () => await server.stop())

describe('GET /config/deployment', () => {
  test('every setting has its name, flag, default and value', async () => {
    verifies('deployment:config')
    const config = await server.client.deployment.getConfig()
    for (const { path, label, flag } of deploymentSettings)
      expect([path, fieldAt(config, path)]).toMatchObject([path, { name: label, flag }])
    expect(fieldAt(config, 'access_url')).toMatchObject({ value: 'https://berth.example.com:8443', default: '', secret: false })
    expect(fieldAt(config, 'autobuild_poll_interval')).toMatchObject({ value: 120_000_000_000, default: 60_000_000_000, hidden: true })
    expect(fieldAt(config, 'provisioner.daemons')).toMatchObject({ value: 2, default: 3, flag: 'provisioner-daemons' })
    expect(fieldAt(config, 'auto_import_templates')).toMatchObject({ value: ['local'], default: null })
    expect(fieldAt(config, 'proxy_trusted_headers')).toMatchObject({ value: [], default: null })
    expect(fieldAt(config, 'audit_logging')).toMatchObject({ value: true, enterprise: true })
    expect(fieldAt(config, 'address')).toMatchObject({ shorthand: 'a' })
    expect(fieldAt(config, 'gitauth')).toMatchObject({ value: [] })
  })

  test('the settings file counts, but variables win', async () => {
    verifies('deployment:config', 'deployment:settings-file')
    const config = await server.client.deployment.getConfig()
    expect(fieldAt(config, 'max_token_lifetime')).toMatchObject({ value: 172_800_000_000_000, default: 2_592_000_000_000_000 })
    expect(fieldAt(config, 'agent_fallback_troubleshooting_url')).toMatchObject({ value: 'https://help.example.com' })
    expect(fieldAt(config, 'provisioner.daemons')).toMatchObject({ value: 2 })
    expect(fieldAt(config, 'oidc.client_id')).toMatchObject({ value: 'berth' })
  })

  test('secrets are blank, and nowhere in the answer', async () => {
    verifies('deployment:config')
    const { text, json } = await callApi(server, 'GET /config/deployment')
    expect(text).not.toContain('hunter2')
    for (const path of [
      'oauth2.github.client_secret',
      'oidc.client_secret',
      'pg_connection_url',
      'scim_api_key',
      'trace.honeycomb_api_key',
    ])
      expect([path, fieldAt(json as DeploymentConfig, path)]).toMatchObject([path, { secret: true, default: '', value: '' }])
  })

  test('--help says the same: flag, letter, variable, text and default of every setting', async () => {
    verifies('deployment:help')
    const lines = configHelp().split('\n')
    const fields = fieldsOf(await server.client.deployment.getConfig())
    expect(fields).toHaveLength(deploymentSettings.length)
    for (const [path, field] of fields) {
      const variable = `BERTH_${path.toUpperCase().replaceAll('.', '_')}`
      const words = [field.shorthand && `-${field.shorthand}`, field.flag && `--${field.flag}`, variable].filter((word) => word !== '')
      const found = lines.filter((line) => line.replace('_<n>_<FIELD>', '').startsWith(`  ${words.join(', ')} `))
      expect([path, found.length]).toEqual([path, 1])
      const text = /\S {2,}(.*)$/.exec(found[0] ?? '')?.[1] ?? ''
      expect(text.slice(0, field.usage.length)).toBe(field.usage)
      const written = /^ Default: (.*)\.$/.exec(text.slice(field.usage.length))?.[1]
      if (written === undefined) expect([path, text, field.default]).toEqual([path, field.usage, field.default === null ? null : ''])
      else expect([path, readDefault(written, field)]).toEqual([path, field.default])
    }
  })

  test('it is for owners; others get 403', async () => {
    verifies('deployment:config')
    const member = await createMember(server)
    expect((await callApi(server, 'GET /config/deployment', { token: member.token })).status).toBe(403)
  })
})

describe('settings', () => {
  test('one that Berth does not have is refused in one line that names where it was given', () => {
    verifies('deployment:settings')
    expect(refusalOf({ CODER_PPROF_ENABLE: 'true' })).toBe(
      'CODER_PPROF_ENABLE cannot be used: Berth does not have "Pprof Enable". Remove the setting, or write false.',
    )
    expect(refusalOf({}, ['--trace-honeycomb-api-key', 'x'])).toMatch(/^--trace-honeycomb-api-key cannot be used: .*Remove the setting\.$/)
    expect(refusalOf({ BERTH_IN_MEMORY_DATABASE: '1' })).toMatch(/^BERTH_IN_MEMORY_DATABASE cannot be used/)
    expect(refusalOf({}, ['--scim-auth-header=x'])).toMatch(/^--scim-auth-header cannot be used/)
    expect(refusalOf({ CODER_TELEMETRY_ENABLE: 'true' })).toMatch(/^CODER_TELEMETRY_ENABLE cannot be used/)
  })

  test('one that Berth does not have is accepted if it is empty or at its default', () => {
    verifies('deployment:settings')
    expect(refusalOf({ CODER_PPROF_ENABLE: 'false', CODER_TELEMETRY_ENABLE: 'false', CODER_SCIM_API_KEY: '' })).toBe('')
    expect(refusalOf({}, ['--telemetry=false', '--in-memory', 'false'])).toBe('')
  })

  test.each(deploymentSettings.filter(({ kind }) => kind !== 'gitauth[]').map((setting) => [setting.name, setting] as const))(
    '%s is read, or refused in one line with its name',
    (name, { kind }) => {
      verifies('deployment:settings')
      const odd = { bool: 'perhaps', int: 'many', duration: 'soon', 'string[]': 'a, b', 'gitauth[]': '', string: 'something else' }[kind]
      const message = refusalOf({ [`CODER_${name}`]: odd })
      if (message !== '') expect(message).toMatch(new RegExp(`^[^\\n]*_${name}\\b[^\\n]*$`))
      if (['bool', 'int', 'duration'].includes(kind)) expect(message).not.toBe('')
    },
  )

  test('the deprecated address overrides http_address', () => {
    verifies('deployment:settings')
    expect(read({ CODER_ADDRESS: '0.0.0.0:80', BERTH_HTTP_ADDRESS: '127.0.0.1:3000' })).toMatchObject({
      http: { host: '0.0.0.0', port: 80, setting: 'BERTH_ADDRESS' },
    })
  })
})

describe('GET /applications/host', () => {
  test('is the wildcard with the port of the access URL, and empty without one', async () => {
    verifies('deployment:app-host', 'apps:host')
    expect(await server.client.applications.getHost()).toEqual({ host: '*.apps.example.com:8443' })
    const plain = await startTestServer()
    expect(await plain.client.applications.getHost()).toEqual({ host: '' })
    await plain.stop()
    expect(refusalOf({ BERTH_WILDCARD_ACCESS_URL: 'apps.example.com' })).toMatch(/^BERTH_WILDCARD_ACCESS_URL cannot be used/)
    expect(read({ BERTH_WILDCARD_ACCESS_URL: 'https://*--dev.example.com' }).wildcardAccessUrl).toBe('*--dev.example.com')
  })
})

describe('what dashboards ask for', () => {
  const ON = { entitlement: 'entitled', enabled: true }
  const OFF = { entitlement: 'entitled', enabled: false }
  const MISSING = { entitlement: 'not_entitled', enabled: false }

  test('every feature is listed: what is there is entitled, and enabled where its setting is on, for anyone who asks', async () => {
    verifies('rulings:entitlements', 'rulings:free-features')
    const { features, ...rest } = await server.clientFor().deployment.getEntitlements()
    expect(rest).toEqual({ warnings: [], errors: [], has_license: true, experimental: false, trial: false })
    expect(features).toEqual({
      user_limit: MISSING,
      audit_log: ON,
      browser_only: OFF,
      scim: MISSING,
      template_rbac: ON,
      high_availability: MISSING,
      multiple_git_auth: ON,
      external_provisioner_daemons: MISSING,
      service_banners: ON,
    })
    const other = await startTestServer({ config: { browserOnly: true, auditLogging: false } })
    expect((await other.clientFor().deployment.getEntitlements()).features).toEqual({ ...features, browser_only: ON, audit_log: OFF })
    await other.stop()
  })

  test('a feature is entitled only if its endpoints are served', async () => {
    verifies('rulings:entitlements')
    const { features } = await server.client.deployment.getEntitlements()
    const { organization_id: organization } = server.firstUser
    const template = await createTemplate(server)
    const endpoints: Record<string, string> = {
      audit_log: 'GET /audit',
      scim: 'GET //scim/v2/Users',
      template_rbac: `GET /templates/${template.id}/acl`,
      high_availability: 'GET /replicas',
      external_provisioner_daemons: `GET /organizations/${organization}/provisionerdaemons`,
      service_banners: 'GET /service-banner',
    }
    for (const [feature, line] of Object.entries(endpoints)) {
      const { status, json } = await callApi(server, line)
      const isServed = status === 200 && json !== undefined
      const { entitlement } = features[feature as keyof typeof features]
      expect([feature, entitlement]).toEqual([feature, isServed ? 'entitled' : 'not_entitled'])
    }
  })

  test('a service banner is there for whoever is signed in, and off', async () => {
    verifies('deployment:service-banner')
    expect(await server.client.deployment.getServiceBanner()).toEqual({ enabled: false })
    expect((await callApi(server, 'GET /service-banner', { token: null })).status).toBe(401)
  })

  test('an owner says what the banner says, and everybody sees it', async () => {
    verifies('deployment:service-banner-set')
    const { client } = await createMember(server)
    const banner = { enabled: true, message: 'Down for repairs at noon.', background_color: '#004852' }
    expect(await server.client.deployment.updateServiceBanner({ body: banner })).toEqual(banner)
    expect(await client.deployment.getServiceBanner()).toEqual(banner)
    await expect(client.deployment.updateServiceBanner({ body: { enabled: false } })).rejects.toMatchObject({ status: 403 })
    for (const wrong of [{ background_color: 'red' }, { message: 'x'.repeat(3_001) }])
      await expect(server.client.deployment.updateServiceBanner({ body: { enabled: true, ...wrong } })).rejects.toMatchObject({
        status: 400,
      })
    expect(await client.deployment.getServiceBanner()).toEqual(banner)
    expect(await server.client.deployment.updateServiceBanner({ body: { enabled: false, message: '' } })).toEqual({ enabled: false })
    expect(await client.deployment.getServiceBanner()).toEqual({ enabled: false })
  })

  test('a report of the content security policy needs no session; bad JSON is 400', async () => {
    verifies('deployment:csp-reports')
    const headers = { 'Content-Type': 'application/csp-report' }
    const body = JSON.stringify({ 'csp-report': { 'blocked-uri': 'https://example.com', x: 'y'.repeat(10_000) } })
    const { status, json } = await callApi(server, 'POST /csp/reports', { token: null, headers, body })
    expect([status, json]).toEqual([200, 'ok'])
    expect((await callApi(server, 'POST /csp/reports', { token: null, headers, body: '{' })).status).toBe(400)
  })

  test('the document of the API is handed out, the same each time', async () => {
    verifies('deployment:openapi')
    const { status, text, json } = await callApi(server, 'GET /openapi.json', { token: null })
    expect([status, json.openapi, json.info.version]).toEqual([200, '3.1.1', version])
    expect(Object.keys(json.paths)).toEqual(expect.arrayContaining(['/audit', '/groups/{group}', '/openapi.json']))
    expect((await callApi(server, 'GET /openapi.json', { token: null })).text).toBe(text)
  })
})

describe('GET /updatecheck', () => {
  let releases: Server
  let url: string
  let answer: { status: number; body: string }
  let delayMs = 0
  beforeAll(async () => {
    releases = createServer((_request, response) => {
      response.statusCode = answer.status
      const timer = setTimeout(() => response.end(answer.body), delayMs)
      response.once('close', () => clearTimeout(timer))
    })
    await new Promise<void>((resolve) => releases.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(releases.address() as AddressInfo).port}/latest`
  })
  afterAll(async () => await new Promise((resolve) => releases.close(resolve)))

  async function check(release: typeof answer, isDone: (found: { current: boolean; version: string }) => boolean) {
    answer = release
    const looking = await startTestServer({ config: { updateCheckUrl: url } })
    try {
      return await eventually(async () => {
        const found = await looking.clientFor().deployment.updateCheck()
        return isDone(found) ? found : undefined
      })
    } finally {
      await looking.stop()
    }
  }

  test('a request waits for the check that runs at the start', async () => {
    verifies('deployment:updatecheck-waits')
    answer = releaseNamed('v0.99.0')
    delayMs = 400
    const looking = await startTestServer({ config: { updateCheckUrl: url } })
    try {
      const asked = Array.from({ length: 3 }, async () => await looking.clientFor().deployment.updateCheck())
      for (const found of await Promise.all(asked)) expect(found).toMatchObject({ current: false, version: 'v0.99.0' })
    } finally {
      delayMs = 0
      await looking.stop()
    }
  })

  test('a request does not wait for long: 3 s after it came, the running version is the newest', async () => {
    verifies('deployment:updatecheck-waits')
    answer = releaseNamed('v0.99.0')
    delayMs = 60_000
    const looking = await startTestServer({ config: { updateCheckUrl: url } })
    try {
      const startedAt = performance.now()
      expect(await looking.clientFor().deployment.updateCheck()).toMatchObject({ current: true, version })
      expect(performance.now() - startedAt).toBeGreaterThan(2_500)
      expect(performance.now() - startedAt).toBeLessThan(10_000)
    } finally {
      delayMs = 0
      await looking.stop()
    }
  })

  test('a newer release is told with its version and address', async () => {
    verifies('deployment:updatecheck')
    const found = await check(releaseNamed('v0.99.0'), ({ version: newest }) => newest === 'v0.99.0')
    expect(found).toEqual({ current: false, version: 'v0.99.0', url: 'https://example.com/v0.99.0' })
  })

  test('the running version is current, as is one that is newer than the newest release', async () => {
    verifies('deployment:updatecheck')
    for (const tag of [version, 'v0.13.4', 'v0.13.3'])
      expect(await check(releaseNamed(tag), ({ version: newest }) => newest === tag)).toMatchObject({ current: true, version: tag })
  })

  test('where nobody looks, or nothing sensible is answered, the running version is the newest', async () => {
    verifies('deployment:updatecheck')
    const own = { current: true, version, url: expect.any(String) as string }
    expect(await server.clientFor().deployment.updateCheck()).toEqual(own)
    for (const wrong of [
      { status: 500, body: '' },
      { status: 200, body: '{"tag_name":3}' },
      { status: 200, body: 'no' },
    ])
      expect(await check(wrong, () => true)).toEqual(own)
  })
})
