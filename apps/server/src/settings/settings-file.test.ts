import { verifies } from '@berth/requirements'
import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { readConfig, type Config } from './config.ts'
import { settingsFilePath } from './settings-file.ts'

const PATH = '/etc/berth/server.yaml'

function read(text: string, environment: Record<string, string> = {}, ...words: readonly string[]): Config {
  const settingsFile = { path: PATH, text }
  return readConfig({ arguments: words, environment, userId: 1000, homeDirectory: '/home/ada', agentDirectory: '/agent', settingsFile })
}

function refusalOf(text: string): string {
  try {
    read(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

function region(text: string): string {
  return read(`derp:\n  server:\n    region_code: ${text}`).derpServerRegionCode
}

describe('a setting in the file', () => {
  it('loses to flags and variables, and wins over the default', () => {
    verifies('deployment:settings-file')
    const text = 'api_rate_limit: 7'
    expect(read(text).apiRateLimit).toBe(7)
    expect(read(text, { CODER_API_RATE_LIMIT: '8' }).apiRateLimit).toBe(8)
    expect(read(text, { BERTH_API_RATE_LIMIT: '', CODER_API_RATE_LIMIT: '' }).apiRateLimit).toBe(7)
    expect(read(text, { BERTH_API_RATE_LIMIT: '8' }, '--api-rate-limit=9').apiRateLimit).toBe(9)
    expect(read('').apiRateLimit).toBe(512)
  })

  it('goes by its path in the deployment API or by its name', () => {
    verifies('deployment:settings-file')
    const text = `
tls:
  enable: true
  cert_file: [/a.crt, /b.crt]
  key_file:
    - /a.key
    - /b.key
  min_version: tls13
derp: { server: { region_id: 7, enable: false } }
oauth2.github.client_id: "abc"
pg_connection_url: postgres://u:p@h/d
job_log_retention: 1h
local:
  sandbox: off
`
    expect(read(text)).toMatchObject({
      tls: { certificates: [{ certFile: '/a.crt', keyFile: '/a.key' }, { certFile: '/b.crt' }], minVersion: 'tls13' },
      derpServerRegionId: 7,
      derpServerEnable: false,
      pgConnectionUrl: 'postgres://u:p@h/d',
      retention: { jobLogsMs: 3_600_000 },
      localSandbox: 'off',
    })
    expect(read(text).deploymentValues.find(({ setting }) => setting.path === 'oauth2.github.client_id')?.value).toBe('abc')
  })

  it('keeps the spelling of its value', () => {
    expect(['007', '12345678901234567890123', 'True', '1.10', '"a # b"', '~'].map(region)).toEqual([
      '007',
      '12345678901234567890123',
      'True',
      '1.10',
      'a # b',
      'coder',
    ])
  })

  it('counts as absent without a value, as does a group without settings', () => {
    for (const text of ['', '# nothing yet', '---', '{}', 'tls:\ngitauth:\nderp:\n  server:\nlog_level:\n', 'gitauth: []'])
      expect(read(text)).toEqual(read(''))
  })

  it('can turn plain HTTP off', () => {
    verifies('tls:alone')
    const tls = 'tls: { enable: true, cert_file: a, key_file: b }'
    expect(read(`http_address: ""\n${tls}`).http).toBeUndefined()
    expect(read(`http_address:\n${tls}`).http?.port).toBe(3000)
  })

  it('may be a list of Git providers, whose fields variables override', () => {
    verifies('deployment:settings-file')
    const text =
      'GitAuth:\n- type: github\n  client_id: abc\n  client_secret: hunter2\n  scopes: [repo, gist]\n- {id: b, type: gitlab, client_id: d, client_secret: e}'
    expect(read(text, { CODER_GITAUTH_0_CLIENT_ID: 'other', BERTH_GITAUTH_0_CLIENT_SECRET: '' }).gitAuthProviders).toMatchObject([
      { id: 'github', clientId: 'other', clientSecret: 'hunter2', scopes: ['repo', 'gist'] },
      { id: 'b', type: 'gitlab' },
    ])
  })
})

describe('a wrong file is refused in one line that names the place', () => {
  it.each([
    ['tls:\n  enabel: true', `${PATH}, line 2, column 3: there is no setting tls.enabel.`],
    ['nonsense:', `${PATH}, line 1, column 1: there is no setting nonsense.`],
    ['gitauth:\n- secret: hunter2', `${PATH}, line 2, column 3: there is no setting gitauth.0.secret.`],
    [
      'api_rate_limit: 7\nAPI_Rate_Limit: 8',
      `${PATH}, line 2, column 1: API_Rate_Limit cannot be used: the file has it twice, in different spellings.`,
    ],
    ['log_level: debug\nlog_level: info', `${PATH}, line 2, column 1 is not YAML (duplicate key).`],
    ['oidc:\n  client_secret: "hunter2', `${PATH}, line 2, column 26 is not YAML (missing char).`],
    ['oidc: {client_secret: hunter2}}', `${PATH}, line 1, column 31 is not YAML (unexpected token).`],
    ['- hunter2', `${PATH} cannot be used: it contains no settings. Write each as key: value.`],
    ['hunter2', `${PATH} cannot be used: it contains no settings. Write each as key: value.`],
    [
      'oidc:\n  client_secret:\n    hunter2: 1',
      `${PATH}, line 2, column 3: oidc.client_secret cannot be used: it takes one value, and no keys below it.`,
    ],
    [
      'wildcard_access_url: *.example.com',
      `${PATH}, line 1, column 1: wildcard_access_url cannot be used: its value begins with "*", which is a reference in YAML. Put it in quotes.`,
    ],
    [
      'oidc:\n  scopes: [[a]]',
      `${PATH}, line 2, column 3: oidc.scopes cannot be used: its list may hold plain values only. Put values that begin with "*" in quotes.`,
    ],
    [
      'gitauth: yes',
      `${PATH}, line 1, column 1: gitauth cannot be used: it needs a list of providers, each with keys such as id, type and client_id.`,
    ],
    [
      'gitauth: [a]',
      `${PATH}, line 1, column 1: gitauth cannot be used: it needs a list of providers, each with keys such as id, type and client_id.`,
    ],
    ['provisioner:\n  daemons: many', `provisioner.daemons in ${PATH} cannot be used: "many" is not a whole number from 0 to 100.`],
    [
      'pg_connection_url: mysql://u:hunter2@h',
      `pg_connection_url in ${PATH} cannot be used: it is not a PostgreSQL URL. Write it as postgres://user:password@host:5432/database, with special characters percent-encoded.`,
    ],
    [
      'pprof: {enable: true}',
      `pprof.enable in ${PATH} cannot be used: Berth does not have "Pprof Enable". Remove the setting, or write false.`,
    ],
    ['scim_api_key: hunter2', `scim_api_key in ${PATH} cannot be used: Berth does not have "SCIM API Key". Remove the setting.`],
  ])('%j', (text, message) => {
    verifies('deployment:settings-file', 'deployment:settings')
    expect(refusalOf(text)).toBe(message)
  })

  it('never shows a secret, whatever the file contains', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', '  ', '"', '[', '{', '*', '- '), (noise, opening) => {
        const message = refusalOf(`oidc:\n  client_secret: ${opening}hunter2\n${noise}`)
        expect(message).not.toMatch(/hunter2|[\n\r]/)
      }),
      { numRuns: runs(500) },
    )
  })
})

it.each([
  [{}, '/home/ada/.config/coderv2/server.yaml'],
  [{ XDG_CONFIG_HOME: '/xdg' }, '/xdg/coderv2/server.yaml'],
  [{ XDG_CONFIG_HOME: '/xdg', CODER_CONFIG_DIR: '/coder' }, '/coder/server.yaml'],
  [{ CODER_CONFIG_DIR: '/coder', BERTH_CONFIG_DIR: '/berth' }, '/berth/server.yaml'],
  [{ XDG_CONFIG_HOME: '', CODER_CONFIG_DIR: '', BERTH_CONFIG_DIR: '' }, '/home/ada/.config/coderv2/server.yaml'],
])('with %j the file is %s', (environment, path) => {
  expect(settingsFilePath(environment as Record<string, string>, { homeDirectory: '/home/ada' })).toBe(path)
})
