import { verifies } from '@berth/requirements'
import { deploymentSettings } from '@berth/schema'
import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { configHelp } from './config-help.ts'
import { HelpRequested, readConfig, type Config, type ConfigSources } from './config.ts'

function read(environment: Record<string, string> = {}, list: readonly string[] = [], sources: Partial<ConfigSources> = {}): Config {
  return readConfig({ arguments: list, environment, userId: 1000, homeDirectory: '/home/ada', agentDirectory: '/agent', ...sources })
}

function refusalOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

/** Settings with their default, a text and its value, and a text that is refused. */
const SETTINGS: readonly {
  name: string
  flag: string
  field: keyof Config
  standard: unknown
  text: string
  value: unknown
  wrong?: string
}[] = [
  {
    name: 'ACCESS_URL',
    flag: 'access-url',
    field: 'accessUrl',
    standard: undefined,
    text: 'https://b.example.com/',
    value: 'https://b.example.com',
    wrong: 'ftp://x',
  },
  {
    name: 'DERP_SERVER_ENABLE',
    flag: 'derp-server-enable',
    field: 'derpServerEnable',
    standard: true,
    text: 'false',
    value: false,
    wrong: 'maybe',
  },
  {
    name: 'DERP_SERVER_REGION_ID',
    flag: 'derp-server-region-id',
    field: 'derpServerRegionId',
    standard: 999,
    text: '7',
    value: 7,
    wrong: '0',
  },
  {
    name: 'DERP_SERVER_REGION_CODE',
    flag: 'derp-server-region-code',
    field: 'derpServerRegionCode',
    standard: 'coder',
    text: 'home',
    value: 'home',
  },
  {
    name: 'DERP_SERVER_REGION_NAME',
    flag: 'derp-server-region-name',
    field: 'derpServerRegionName',
    standard: 'Coder Embedded Relay',
    text: 'Home',
    value: 'Home',
  },
  {
    name: 'DERP_SERVER_STUN_ADDRESSES',
    flag: 'derp-server-stun-addresses',
    field: 'derpServerStunAddresses',
    standard: ['stun.l.google.com:19302'],
    text: 'a.example.com:1,[2001:db8::1]:2 b.example.com',
    value: ['a.example.com:1', '[2001:db8::1]:2', 'b.example.com'],
    wrong: 'https://a.example.com',
  },
  {
    name: 'DERP_SERVER_STUN_ADDRESSES',
    flag: 'derp-server-stun-addresses',
    field: 'derpServerStunAddresses',
    standard: ['stun.l.google.com:19302'],
    text: 'disable',
    value: [],
    wrong: 'a.example.com:99999',
  },
  {
    name: 'DERP_CONFIG_URL',
    flag: 'derp-config-url',
    field: 'derpConfigUrl',
    standard: undefined,
    text: 'https://e.example.com/map',
    value: 'https://e.example.com/map',
    wrong: 'map',
  },
  {
    name: 'DERP_CONFIG_PATH',
    flag: 'derp-config-path',
    field: 'derpConfigPath',
    standard: undefined,
    text: '/etc/map.json',
    value: '/etc/map.json',
  },
  {
    name: 'PG_CONNECTION_URL',
    flag: 'postgres-url',
    field: 'pgConnectionUrl',
    standard: undefined,
    text: 'postgres://u:p@h/d',
    value: 'postgres://u:p@h/d',
    wrong: 'mysql://h',
  },
  { name: 'DATA_DIR', flag: 'data-dir', field: 'dataDirectory', standard: '/home/ada/.local/share/berth', text: '/data', value: '/data' },
  {
    name: 'CACHE_DIRECTORY',
    flag: 'cache-dir',
    field: 'cacheDirectory',
    standard: '/home/ada/.local/share/berth/cache',
    text: '/cache',
    value: '/cache',
  },
  { name: 'PROVISIONER_DAEMONS', flag: 'provisioner-daemons', field: 'provisionerDaemons', standard: 3, text: '0', value: 0, wrong: '-1' },
  {
    name: 'PROVISIONER_DAEMON_POLL_INTERVAL',
    flag: 'provisioner-daemon-poll-interval',
    field: 'provisionerPollIntervalMs',
    standard: 1000,
    text: '250ms',
    value: 250,
    wrong: '5',
  },
  {
    name: 'PROVISIONER_FORCE_CANCEL_INTERVAL',
    flag: 'provisioner-force-cancel-interval',
    field: 'forceCancelIntervalMs',
    standard: 600_000,
    text: '1h30m',
    value: 5_400_000,
    wrong: '0s',
  },
  { name: 'ECHO_PROVISIONER', flag: 'echo-provisioner', field: 'echoProvisioner', standard: false, text: 'T', value: true, wrong: 'yes' },
  { name: 'API_RATE_LIMIT', flag: 'api-rate-limit', field: 'apiRateLimit', standard: 512, text: '-1', value: -1, wrong: '1e3' },
  {
    name: 'AUTOBUILD_POLL_INTERVAL',
    flag: 'autobuild-poll-interval',
    field: 'autobuildPollIntervalMs',
    standard: 60_000,
    text: '2s',
    value: 2000,
    wrong: '-2s',
  },
  {
    name: 'AUTO_IMPORT_TEMPLATES',
    flag: 'auto-import-template',
    field: 'autoImportTemplates',
    standard: [],
    text: 'local, other',
    value: ['local', 'other'],
  },
  {
    name: 'AGENT_STAT_REFRESH_INTERVAL',
    flag: 'agent-stats-refresh-interval',
    field: 'agentStatsIntervalMs',
    standard: 600_000,
    text: '1s',
    value: 1000,
    wrong: 'x',
  },
  {
    name: 'AGENT_CONNECTION_UPDATE_FREQUENCY',
    flag: 'agent-connection-update-frequency',
    field: 'agentConnectionUpdateFrequencyMs',
    standard: 3000,
    text: '150ms',
    value: 150,
    wrong: '150',
  },
  {
    name: 'AGENT_INACTIVE_DISCONNECT_TIMEOUT',
    flag: 'agent-inactive-disconnect-timeout',
    field: 'agentInactiveDisconnectTimeoutMs',
    standard: 6000,
    text: '5s',
    value: 5000,
    wrong: '1w',
  },
  {
    name: 'AGENT_DIRECTORY',
    flag: 'agent-directory',
    field: 'agentDirectory',
    standard: '/agent',
    text: '/opt/agent',
    value: '/opt/agent',
  },
  {
    name: 'LOCAL_NETWORK',
    flag: 'local-network',
    field: 'localNetwork',
    standard: 'host',
    text: 'isolated',
    value: 'isolated',
    wrong: 'none',
  },
  { name: 'LOCAL_SANDBOX', flag: 'local-sandbox', field: 'localSandbox', standard: 'auto', text: 'off', value: 'off', wrong: 'none' },
  {
    name: 'LOCAL_PROCESS_LIMIT',
    flag: 'local-process-limit',
    field: 'localProcessLimit',
    standard: 8192,
    text: '0',
    value: 0,
    wrong: '-1',
  },
  {
    name: 'LOCAL_OPEN_FILE_LIMIT',
    flag: 'local-open-file-limit',
    field: 'localOpenFileLimit',
    standard: 65536,
    text: '0',
    value: 0,
    wrong: '-1',
  },
  {
    name: 'LOCAL_FILE_SIZE_LIMIT',
    flag: 'local-file-size-limit',
    field: 'localFileSizeLimitMiB',
    standard: 65536,
    text: '0',
    value: 0,
    wrong: '-1',
  },
  {
    name: 'LOCAL_MEMORY_LIMIT',
    flag: 'local-memory-limit',
    field: 'localMemoryLimitMiB',
    standard: 16384,
    text: '0',
    value: 0,
    wrong: '-1',
  },
  {
    name: 'KUBECONFIG',
    flag: 'kubeconfig',
    field: 'kubeconfigPaths',
    standard: ['/home/ada/.kube/config'],
    text: '/etc/one:/etc/two',
    value: ['/etc/one', '/etc/two'],
  },
  {
    name: 'SECURE_AUTH_COOKIE',
    flag: 'secure-auth-cookie',
    field: 'secureAuthCookie',
    standard: false,
    text: 'true',
    value: true,
    wrong: '2',
  },
  { name: 'BROWSER_ONLY', flag: 'browser-only', field: 'browserOnly', standard: false, text: 'true', value: true, wrong: 'maybe' },
  { name: 'LOG_LEVEL', flag: 'log-level', field: 'logLevel', standard: 'info', text: 'debug', value: 'debug', wrong: 'loud' },
  {
    name: 'HTTP_ADDRESS',
    flag: 'http-address',
    field: 'http',
    standard: { host: '127.0.0.1', port: 3000, setting: 'BERTH_HTTP_ADDRESS' },
    text: '127.0.0.1:80',
    value: { host: '127.0.0.1', port: 80, setting: 'BERTH_HTTP_ADDRESS' },
    wrong: 'localhost',
  },
  {
    name: 'AGENT_FALLBACK_TROUBLESHOOTING_URL',
    flag: 'agent-fallback-troubleshooting-url',
    field: 'agentFallbackTroubleshootingUrl',
    standard: '',
    text: 'https://help.example',
    value: 'https://help.example',
  },
  {
    name: 'SECRET_KEY',
    flag: 'secret-key',
    field: 'secretKeys',
    standard: undefined,
    text: `${Buffer.alloc(32, 1).toString('base64')},${Buffer.alloc(32, 2).toString('base64')}`,
    value: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
    wrong: Buffer.alloc(16).toString('base64'),
  },
  {
    name: 'SSH_KEYGEN_ALGORITHM',
    flag: 'ssh-keygen-algorithm',
    field: 'sshKeygenAlgorithm',
    standard: 'ed25519',
    text: 'ecdsa',
    value: 'ecdsa',
    wrong: 'dsa',
  },
]

describe.each(SETTINGS)('$name', ({ name, flag, field, standard, text, value, wrong }) => {
  it('has its default', () => expect(read()[field]).toEqual(standard))

  it('is read as a flag, as BERTH_ and as CODER_, in this order', () => {
    verifies('berth:server:coder-settings')
    expect(read({ [`CODER_${name}`]: text })[field]).toEqual(value)
    expect(read({ [`BERTH_${name}`]: text, [`CODER_${name}`]: wrong ?? 'x' })[field]).toEqual(value)
    expect(read({ [`BERTH_${name}`]: wrong ?? 'x' }, [`--${flag}`, text])[field]).toEqual(value)
    expect(read({}, [`--${flag}=${text}`])[field]).toEqual(value)
    expect(read({}, [`--${name.toLowerCase().replaceAll('_', '-')}=${text}`])[field]).toEqual(value)
  })

  it('counts as absent when it is empty', () => {
    expect(read({ [`BERTH_${name}`]: '' })[field]).toEqual(standard)
    expect(read({ [`BERTH_${name}`]: '', [`CODER_${name}`]: text })[field]).toEqual(value)
  })

  it('is refused in one line that names where it was given', () => {
    if (wrong === undefined) return
    for (const [source, act] of [
      [`BERTH_${name}`, () => read({ [`BERTH_${name}`]: wrong })],
      [`CODER_${name}`, () => read({ [`CODER_${name}`]: wrong })],
      [`--${flag}`, () => read({}, [`--${flag}=${wrong}`])],
    ] as const) {
      const message = refusalOf(act)
      expect(message.startsWith(`${source} cannot be used: `)).toBe(true)
      expect(message).not.toContain('\n')
    }
  })

  it('is in the help', () => expect(configHelp()).toMatch(new RegExp(`--${flag}, BERTH_${name} +\\S`)))
})

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1:0', '127.0.0.1', 0],
    [':8080', '0.0.0.0', 8080],
    ['localhost:65535', 'localhost', 65_535],
    ['[::]:3000', '::', 3000],
    ['[::1]:1', '::1', 1],
  ])('%s', (text, host, port) => expect(read({ BERTH_HTTP_ADDRESS: text }).http).toMatchObject({ host, port }))

  it.each(['3000', 'a', ':', 'a:', 'a:65536', 'a:-1', '::1:3000', 'http://a:80', 'a:3000 '])('%j is refused', (text) => {
    expect(refusalOf(() => read({ BERTH_HTTP_ADDRESS: text }))).toContain('is not an address')
  })
})

describe('flags', () => {
  it('that do not exist are refused by name', () => {
    expect(refusalOf(() => read({}, ['--nonsense=secret']))).toBe('There is no setting --nonsense. See berth-server --help.')
    expect(refusalOf(() => read({}, ['start']))).toContain('start')
  })

  it('without a value are refused', () => {
    expect(refusalOf(() => read({}, ['--http-address']))).toBe('The setting --http-address needs a value.')
  })

  it('that are switches need no value', () => {
    expect(read({}, ['--echo-provisioner'])).toMatchObject({ echoProvisioner: true })
    expect(read({}, ['--echo-provisioner', '--api-rate-limit', '7'])).toMatchObject({ echoProvisioner: true, apiRateLimit: 7 })
    expect(read({}, ['--echo-provisioner=false'])).toMatchObject({ echoProvisioner: false })
    expect(read({}, ['--secure-auth-cookie', 'false'])).toMatchObject({ secureAuthCookie: false })
  })

  it('may be written as their letter', () => {
    verifies('deployment:shorthand')
    for (const { flag, shorthand } of deploymentSettings.filter((row) => row.shorthand !== '')) {
      const long = read({}, [`--${flag}`, '127.0.0.1:7'])
      expect(read({}, [`-${shorthand}`, '127.0.0.1:7'])).toEqual(long)
      expect(read({}, [`-${shorthand}=127.0.0.1:7`])).toEqual(long)
      expect(configHelp()).toContain(`-${shorthand}, --${flag}, `)
    }
    expect(read({}, ['--echo-provisioner', '-a', ':7'])).toMatchObject({ echoProvisioner: true, http: { host: '0.0.0.0', port: 7 } })
    expect(refusalOf(() => read({}, ['-a']))).toBe('The setting -a needs a value.')
    expect(refusalOf(() => read({}, ['-a', 'nowhere']))).toMatch(/^--address cannot be used: "nowhere" is not an address/)
    expect(refusalOf(() => read({}, ['-b=secret']))).toBe('There is no setting -b. See berth-server --help.')
  })

  it('that are given twice count the last time', () => {
    expect(read({}, ['--api-rate-limit=1', '--api-rate-limit=2'])).toMatchObject({ apiRateLimit: 2 })
  })

  it.each(['--help', '-h'])('%s asks for help', (flag) => {
    expect(() => read({}, [flag])).toThrow(HelpRequested)
  })
})

describe('a URL with a password', () => {
  it('never appears in an error', () => {
    for (const url of ['mysql://u:hunter2@h/d', 'u:hunter2@h', 'postgres://u:hunter2@[h/d', 'postgres://u:hun%ter2@ h/d'])
      expect(refusalOf(() => read({ BERTH_PG_CONNECTION_URL: url }))).not.toMatch(/hunter2|hun%ter2/)
  })

  it('may name a socket instead of a host', () => {
    expect(read({ BERTH_PG_CONNECTION_URL: 'postgres://u@/d?host=/tmp' })).toMatchObject({ pgConnectionUrl: 'postgres://u@/d?host=/tmp' })
  })
})

describe('the check for updates', () => {
  const url = 'https://releases.example.com/newest'

  it('uses its URL only while it is on', () => {
    expect(read().updateCheckUrl).toBeUndefined()
    expect(read({ BERTH_UPDATE_CHECK_URL: url }).updateCheckUrl).toBeUndefined()
    expect(read({ BERTH_UPDATE_CHECK: 'true', BERTH_UPDATE_CHECK_URL: url }).updateCheckUrl).toBe(url)
  })

  it('is refused without a URL', () =>
    expect(() => read({ CODER_UPDATE_CHECK: 'true' })).toThrow(/^BERTH_UPDATE_CHECK cannot be used: .*BERTH_UPDATE_CHECK_URL/))
})

describe('defaults that depend on the machine', () => {
  it('put data where the system keeps it, or where other users can enter', () => {
    expect(read({ XDG_DATA_HOME: '/xdg' })).toMatchObject({ dataDirectory: '/xdg/berth' })
    expect(read({}, [], { userId: 0 })).toMatchObject({ dataDirectory: '/var/lib/berth' })
    expect(read({ BERTH_DATA_DIR: '/data' }, [], { userId: 0 })).toMatchObject({ dataDirectory: '/data' })
  })

  it('find the kubeconfig where every Kubernetes program does', () => {
    expect(read({ KUBECONFIG: '/a::/b' }).kubeconfigPaths).toEqual(['/a', '/b'])
    expect(read({ KUBECONFIG: '/a', BERTH_KUBECONFIG: '/b' }).kubeconfigPaths).toEqual(['/b'])
    expect(read({ KUBECONFIG: '' }).kubeconfigPaths).toEqual(['/home/ada/.kube/config'])
  })

  it('count an agent as disconnected after twice the update frequency', () => {
    expect(read({ BERTH_AGENT_CONNECTION_UPDATE_FREQUENCY: '1s' })).toMatchObject({ agentInactiveDisconnectTimeoutMs: 2000 })
  })

  it('replace a rate limit of 0', () => expect(read({ BERTH_API_RATE_LIMIT: '0' })).toMatchObject({ apiRateLimit: 512 }))
})

it('any text in any setting is read, or refused in one line that names the setting', () => {
  fc.assert(
    fc.property(fc.constantFrom(...SETTINGS), fc.string({ unit: 'binary' }), ({ name }, text) => {
      try {
        read({ [`BERTH_${name}`]: text })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        expect(error.message).toContain(`BERTH_${name}`)
        expect(error.message).not.toMatch(/[\n\r]/)
      }
    }),
    { numRuns: runs(500) },
  )
})
