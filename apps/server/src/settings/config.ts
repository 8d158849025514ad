import { delimiter, join } from 'node:path'
import { parseBool } from '@berth/schema/rules'
import { deploymentFlags, readDeploymentValues, type DeploymentValue } from './deployment-values.ts'
import { ConfigError } from './config-error.ts'
import { instanceIdentitySettings, readInstanceIdentity, type InstanceIdentityConfig } from './instance-identity-settings.ts'
import { readFlags } from './flags.ts'
import { findGiven, numberedVariables, readGiven, type GivenSettings } from './given-settings.ts'
import { duration, httpUrl, integerFrom, list, oneOf, optional, setting, text, type Setting } from './setting.ts'
import { readSettingsFile, type SettingsFile } from './settings-file.ts'
import { proxySettings, readProxies, type ProxyConfig } from './proxy-settings.ts'
import { readSignIn, signInSettings, type SignInConfig } from './sign-in-settings.ts'
import { readGitAuthProviders, type GitAuthProvider } from './git-auth-settings.ts'
import { listenSettings, readListen, type ListenConfig } from './listen-settings.ts'
import { tlsSettings } from './tls-settings.ts'

export { ConfigError } from './config-error.ts'

/** Everything an administrator can decide. */
export interface Config extends InstanceIdentityConfig, ProxyConfig, SignInConfig, ListenConfig {
  /** Where people and agents reach the server; undefined: the address that it listens on. */
  readonly accessUrl: string | undefined
  /** PostgreSQL to use; undefined: the embedded one. */
  readonly pgConnectionUrl: string | undefined
  readonly dataDirectory: string
  /** Holds what can be made again. */
  readonly cacheDirectory: string
  /** Built-in workers; 0: none. */
  readonly provisionerDaemons: number
  readonly provisionerPollIntervalMs: number
  readonly forceCancelIntervalMs: number
  /** Built-in workers have the echo provisioner too; without it such jobs fail. */
  readonly echoProvisioner: boolean
  /** Requests a minute for one caller on one path; negative: no limit. */
  readonly apiRateLimit: number
  readonly autobuildPollIntervalMs: number
  readonly autoImportTemplates: readonly string[]
  /** How often the use of templates is measured. */
  readonly metricsCacheRefreshIntervalMs: number
  readonly agentStatsIntervalMs: number
  readonly agentConnectionUpdateFrequencyMs: number
  readonly agentInactiveDisconnectTimeoutMs: number
  /** Shown for agents whose template names no page; empty: the docs of the server. */
  readonly agentFallbackTroubleshootingUrl: string
  /** The deployment has a relay for agents and clients of the reference. */
  readonly derpServerEnable: boolean
  readonly derpServerRegionId: number
  readonly derpServerRegionCode: string
  readonly derpServerRegionName: string
  /** host:port, where agents and clients learn their own address. */
  readonly derpServerStunAddresses: readonly string[]
  /** A JSON map of more relays, to be fetched or read when the server starts. */
  readonly derpConfigUrl: string | undefined
  readonly derpConfigPath: string | undefined
  /** The built agent that local workspaces run. */
  readonly agentDirectory: string
  /** By which clusters are reached that templates don't reach by the server's own service account. */
  readonly kubeconfigPaths: readonly string[]
  readonly localSandbox: 'auto' | 'bubblewrap' | 'off'
  readonly secureAuthCookie: boolean
  /** Pattern of the host names of apps, such as `*.apps.example.com`. */
  readonly wildcardAccessUrl: string | undefined
  readonly auditLogging: boolean
  /** Where the newest release is looked up once a day; undefined: nowhere. */
  readonly updateCheckUrl: string | undefined
  /** People reach workspaces by what runs in a browser alone. */
  readonly browserOnly: boolean
  readonly swaggerEnable: boolean
  /** How long what is only kept for a while is kept. */
  readonly retention: Retention
  /** Every setting that the deployment configuration lists. */
  readonly deploymentValues: readonly DeploymentValue[]
  /** No token that is made by request lives longer. */
  readonly maxTokenLifetimeMs: number
  /** What encrypts the secrets in the database, the first, and what may have done so before; undefined: the key file in the data directory. */
  readonly secretKeys: readonly Buffer[] | undefined
  readonly sshKeygenAlgorithm: (typeof SSH_ALGORITHMS)[number]
  readonly gitAuthProviders: readonly GitAuthProvider[]
  /** Where programs such as bubblewrap are looked for: the PATH of the server. */
  readonly searchPath: string
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

/** Undefined: forever. */
export interface Retention {
  readonly jobLogsMs: number | undefined
  readonly agentStatsMs: number | undefined
  readonly auditLogMs: number | undefined
}

/** What the settings are read from. */
export interface ConfigSources {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly userId: number | undefined
  readonly homeDirectory: string
  /** Default of the agent's folder. */
  readonly agentDirectory: string
  /** Undefined: there is none. */
  readonly settingsFile?: SettingsFile | undefined
}

/** The caller asked for help: the message is the help. */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested'
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const SANDBOXES = ['auto', 'bubblewrap', 'off'] as const
const SSH_ALGORITHMS = ['ed25519', 'ecdsa', 'rsa4096'] as const
const SECRET_KEY_BYTES = 32
const DEFAULT_RATE_LIMIT = 512

/** Names and flags are those of the Coder v2 API, v0.13.4 (platform settings), where it has the setting. */
const settings = {
  ...listenSettings,
  accessUrl: setting('ACCESS_URL', '', 'URL under which people and agents reach the server.', optional(readHttpUrl)),
  pgConnectionUrl: setting(
    'PG_CONNECTION_URL',
    '',
    'PostgreSQL to use instead of the embedded one.',
    optional(readPostgresUrl),
    'postgres-url',
  ),
  dataDirectory: setting('DATA_DIR', '', 'Folder of the embedded database and of local workspaces.', optional(text)),
  cacheDirectory: setting(
    'CACHE_DIRECTORY',
    '',
    'Folder of what can be made again; executables of the agent in bin/ below it are served at /bin/. Default: cache in the data directory.',
    optional(text),
    'cache-dir',
  ),
  provisionerDaemons: setting('PROVISIONER_DAEMONS', '3', 'Built-in workers; 0 runs none.', integerFrom(0, 100)),
  provisionerPollIntervalMs: setting(
    'PROVISIONER_DAEMON_POLL_INTERVAL',
    '1s',
    'How often the queue is looked at when no wake-up comes.',
    duration,
  ),
  forceCancelIntervalMs: setting(
    'PROVISIONER_FORCE_CANCEL_INTERVAL',
    '10m',
    'How long a canceled job may take to end by itself.',
    duration,
  ),
  echoProvisioner: setting('ECHO_PROVISIONER', 'false', 'Built-in workers have the echo provisioner, for tests.', parseBool),
  apiRateLimit: setting(
    'API_RATE_LIMIT',
    String(DEFAULT_RATE_LIMIT),
    'Requests a minute for one caller on one path; negative: no limit.',
    readRateLimit,
  ),
  autobuildPollIntervalMs: setting('AUTOBUILD_POLL_INTERVAL', '1m', 'How often schedules are looked at.', duration),
  autoImportTemplates: setting(
    'AUTO_IMPORT_TEMPLATES',
    '',
    'Starter templates to import when the first user is created: local, kubernetes.',
    list,
    'auto-import-template',
  ),
  metricsCacheRefreshIntervalMs: setting(
    'METRICS_CACHE_REFRESH_INTERVAL',
    '1h',
    'How often active users and build times of templates are measured.',
    duration,
  ),
  agentStatsIntervalMs: setting(
    'AGENT_STAT_REFRESH_INTERVAL',
    '10m',
    'How often agents report traffic.',
    duration,
    'agent-stats-refresh-interval',
  ),
  agentConnectionUpdateFrequencyMs: setting(
    'AGENT_CONNECTION_UPDATE_FREQUENCY',
    '3s',
    'How often signs of life of agents are noted.',
    duration,
  ),
  agentInactiveDisconnectTimeoutMs: setting(
    'AGENT_INACTIVE_DISCONNECT_TIMEOUT',
    '',
    'After how long without a sign of life an agent counts as disconnected. Default: twice the update frequency.',
    optional(duration),
  ),
  agentFallbackTroubleshootingUrl: setting(
    'AGENT_FALLBACK_TROUBLESHOOTING_URL',
    '',
    'Shown for agents whose template names no page. Default: /docs of the server.',
    text,
  ),
  derpServerEnable: setting('DERP_SERVER_ENABLE', 'true', 'Run a relay for agents and clients of the Coder kind.', parseBool),
  derpServerRegionId: setting('DERP_SERVER_REGION_ID', '999', 'Number of the region of the relay.', integerFrom(1, 2_147_483_647)),
  derpServerRegionCode: setting('DERP_SERVER_REGION_CODE', 'coder', 'Code of the region of the relay.', text),
  derpServerRegionName: setting('DERP_SERVER_REGION_NAME', 'Coder Embedded Relay', 'Name of the region of the relay.', text),
  derpServerStunAddresses: setting(
    'DERP_SERVER_STUN_ADDRESSES',
    'stun.l.google.com:19302',
    'STUN servers, host:port, with which those who use the relay find shorter ways; disable: none.',
    readStunAddresses,
  ),
  derpConfigUrl: setting('DERP_CONFIG_URL', '', 'URL of a JSON map of more relays.', optional(readHttpUrl)),
  derpConfigPath: setting('DERP_CONFIG_PATH', '', 'File with a JSON map of more relays.', optional(text)),
  agentDirectory: setting('AGENT_DIRECTORY', '', 'Folder of the built agent that local workspaces run.', optional(text)),
  kubeconfig: setting(
    'KUBECONFIG',
    '',
    'Kubeconfig of the cluster for workspaces, or several. Default: KUBECONFIG, then ~/.kube/config.',
    optional(text),
  ),
  localSandbox: setting('LOCAL_SANDBOX', 'auto', `How local workspaces are confined: ${SANDBOXES.join(', ')}.`, oneOf(SANDBOXES)),
  wildcardAccessUrl: setting(
    'WILDCARD_ACCESS_URL',
    '',
    'Pattern of the host names of apps, for example *.apps.example.com.',
    optional(readWildcard),
  ),
  auditLogging: setting('AUDIT_LOGGING', 'true', 'Record who changes what.', parseBool),
  browserOnly: setting('BROWSER_ONLY', 'false', 'Let people reach workspaces by browser only.', parseBool),
  updateCheck: setting('UPDATE_CHECK', 'false', 'Look for newer releases once a day.', parseBool),
  updateCheckUrl: setting('UPDATE_CHECK_URL', '', 'Where the newest release is told; UPDATE_CHECK needs it.', optional(readHttpUrl)),
  swaggerEnable: setting('SWAGGER_ENABLE', 'false', 'Send /swagger to the API reference at /docs.', parseBool),
  jobLogRetention: setting('JOB_LOG_RETENTION', '2160h', 'How long logs of jobs are kept; 0 keeps them.', retention),
  agentStatsRetention: setting('AGENT_STATS_RETENTION', '720h', 'How long statistics of agents are kept; 0 keeps them.', retention),
  auditLogRetention: setting('AUDIT_LOG_RETENTION', '8760h', 'How long entries of the audit log are kept; 0 keeps them.', retention),
  ...signInSettings,
  ...instanceIdentitySettings,
  ...proxySettings,
  ...tlsSettings,
  secureAuthCookie: setting('SECURE_AUTH_COOKIE', 'false', 'Send session cookies over HTTPS only.', parseBool),
  secretKeys: setting(
    'SECRET_KEY',
    '',
    'Keys of the secrets in the database, each 32 bytes in base64, separated by commas: the first encrypts, all decrypt. Default: the file secret.key in the data directory.',
    optional(readSecretKeys),
  ),
  sshKeygenAlgorithm: setting(
    'SSH_KEYGEN_ALGORITHM',
    'ed25519',
    `Kind of the git SSH keys of users: ${SSH_ALGORITHMS.join(', ')}.`,
    oneOf(SSH_ALGORITHMS),
  ),
  maxTokenLifetimeMs: setting('MAX_TOKEN_LIFETIME', '720h', 'How long tokens of users may live.', duration),
  logLevel: setting('LOG_LEVEL', 'info', `What is logged: ${LOG_LEVELS.join(', ')}.`, oneOf(LOG_LEVELS)),
}

/**
 * Reads the settings, as `findGiven` finds them.
 *
 * @throws ConfigError with one line that names the setting; HelpRequested for `--help`.
 */
export function readConfig(sources: ConfigSources): Config {
  const served = new Map(Object.values<Setting<unknown>>(settings).map((row) => [row.name, row]))
  const given = readSources(sources, served)
  const read = <Value>(from: Setting<Value>): Value => readGiven(from, given)
  const updateFrequencyMs = read(settings.agentConnectionUpdateFrequencyMs)
  const dataDirectory = read(settings.dataDirectory) ?? defaultDataDirectory(sources)
  return {
    accessUrl: read(settings.accessUrl),
    pgConnectionUrl: read(settings.pgConnectionUrl),
    dataDirectory,
    cacheDirectory: read(settings.cacheDirectory) ?? join(dataDirectory, 'cache'),
    provisionerDaemons: read(settings.provisionerDaemons),
    provisionerPollIntervalMs: read(settings.provisionerPollIntervalMs),
    forceCancelIntervalMs: read(settings.forceCancelIntervalMs),
    echoProvisioner: read(settings.echoProvisioner),
    apiRateLimit: read(settings.apiRateLimit),
    autobuildPollIntervalMs: read(settings.autobuildPollIntervalMs),
    autoImportTemplates: read(settings.autoImportTemplates),
    metricsCacheRefreshIntervalMs: read(settings.metricsCacheRefreshIntervalMs),
    agentStatsIntervalMs: read(settings.agentStatsIntervalMs),
    agentConnectionUpdateFrequencyMs: updateFrequencyMs,
    agentInactiveDisconnectTimeoutMs: read(settings.agentInactiveDisconnectTimeoutMs) ?? 2 * updateFrequencyMs,
    agentFallbackTroubleshootingUrl: read(settings.agentFallbackTroubleshootingUrl),
    derpServerEnable: read(settings.derpServerEnable),
    derpServerRegionId: read(settings.derpServerRegionId),
    derpServerRegionCode: read(settings.derpServerRegionCode),
    derpServerRegionName: read(settings.derpServerRegionName),
    derpServerStunAddresses: read(settings.derpServerStunAddresses),
    derpConfigUrl: read(settings.derpConfigUrl),
    derpConfigPath: read(settings.derpConfigPath),
    agentDirectory: read(settings.agentDirectory) ?? sources.agentDirectory,
    kubeconfigPaths: kubeconfigPaths(read(settings.kubeconfig), sources),
    localSandbox: read(settings.localSandbox),
    secureAuthCookie: read(settings.secureAuthCookie),
    wildcardAccessUrl: read(settings.wildcardAccessUrl),
    auditLogging: read(settings.auditLogging),
    updateCheckUrl: updateCheckUrl(read(settings.updateCheck), read(settings.updateCheckUrl)),
    browserOnly: read(settings.browserOnly),
    swaggerEnable: read(settings.swaggerEnable),
    retention: {
      jobLogsMs: read(settings.jobLogRetention),
      agentStatsMs: read(settings.agentStatsRetention),
      auditLogMs: read(settings.auditLogRetention),
    },
    deploymentValues: readDeploymentValues({
      served,
      find: (row) => findGiven(row, given),
    }),
    maxTokenLifetimeMs: read(settings.maxTokenLifetimeMs),
    ...readSignIn(read),
    ...readInstanceIdentity(read),
    ...readProxies(read),
    ...readListen(read),
    secretKeys: read(settings.secretKeys),
    sshKeygenAlgorithm: read(settings.sshKeygenAlgorithm),
    gitAuthProviders: readGitAuthProviders(numberedVariables(given)),
    searchPath: sources.environment['PATH'] ?? '',
    logLevel: read(settings.logLevel),
  }
}

/** The text of `--help`. */
export function configHelp(): string {
  const letters = new Map(deploymentFlags().flatMap(({ flag, shorthand = '' }) => (shorthand === '' ? [] : [[flag, `-${shorthand}, `]])))
  const rows = Object.values<Setting<unknown>>(settings).map(({ name, flag, usage, default: standard }) => [
    `  ${letters.get(flag) ?? ''}--${flag}, BERTH_${name}`,
    `${usage}${standard === '' ? '' : ` Default: ${standard}.`}`,
  ])
  const width = Math.max(...rows.map(([left = '']) => left.length))
  return `Usage: berth-server [settings]\n       berth-server rotate-secrets [settings]  encrypts the secrets in the database with a new key\n\nSettings, as a flag, an environment variable, or in server.yaml in the folder BERTH_CONFIG_DIR:\n${rows
    .map(([left = '', right = '']) => `${left.padEnd(width)}  ${right}`)
    .join('\n')}\n`
}

/** A settings file is read after the flags, so that help can be had whatever is in it. */
function readSources(
  { arguments: words, environment, settingsFile }: ConfigSources,
  served: ReadonlyMap<string, Setting<unknown>>,
): GivenSettings {
  const known = [...deploymentFlags(), ...served.values()]
  const flags = readFlags(words, known)
  if (flags === undefined) throw new HelpRequested(configHelp())
  const names = new Set(known.map(({ name }) => name))
  return { flags, environment, file: settingsFile === undefined ? new Map() : readSettingsFile(settingsFile, names) }
}

function defaultDataDirectory({ userId, environment, homeDirectory }: ConfigSources): string {
  // As root the database and the workspaces run under other users, who must be able to pass through.
  if (userId === 0) return '/var/lib/berth'
  const dataHome = environment['XDG_DATA_HOME']
  return join(dataHome === undefined || dataHome === '' ? join(homeDirectory, '.local', 'share') : dataHome, 'berth')
}

/** As every program of Kubernetes finds it. */
function kubeconfigPaths(value: string | undefined, { environment, homeDirectory }: ConfigSources): string[] {
  const paths = (value ?? environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  return paths.length > 0 ? paths : [join(homeDirectory, '.kube', 'config')]
}

function readHttpUrl(value: string): string {
  return httpUrl(value).replace(/\/+$/, '')
}

/** Says nothing of the value: there is a password in it. */
function readPostgresUrl(value: string): string {
  if (!/^postgres(?:ql)?:\/\//.test(value) || !URL.canParse(value.replace('@/', '@localhost/')))
    throw new ConfigError(
      'It is not a PostgreSQL URL. Write it as postgres://user:password@host:5432/database, with special characters percent-encoded.',
    )
  return value
}

/** Says nothing of the value. */
function readSecretKeys(value: string): Buffer[] {
  const keys = value.split(',').map((key) => Buffer.from(key.trim(), 'base64'))
  if (keys.some((key) => key.length !== SECRET_KEY_BYTES))
    throw new ConfigError(`A key has ${SECRET_KEY_BYTES} bytes, written in base64. Make one with: openssl rand -base64 ${SECRET_KEY_BYTES}`)
  return keys
}

function updateCheckUrl(isOn: boolean, url: string | undefined): string | undefined {
  if (isOn && url === undefined)
    throw new ConfigError(
      'BERTH_UPDATE_CHECK cannot be used: nobody says where the newest release is told. Set BERTH_UPDATE_CHECK_URL too.',
    )
  return isOn ? url : undefined
}

function readWildcard(value: string): string {
  const pattern = value.replace(/^https?:\/\//, '')
  if (!/^[^*/:]*\*[^*/:]*\.[^*/:]+$/.test(pattern))
    throw new ConfigError(`"${value}" is not a pattern of host names. Write it with one star, for example *.apps.example.com.`)
  return pattern
}

/** Undefined: forever. */
function retention(value: string): number | undefined {
  return value === '0' ? undefined : duration(value)
}

function readRateLimit(value: string): number {
  const limit = integerFrom(-1_000_000, 1_000_000)(value)
  return limit === 0 ? DEFAULT_RATE_LIMIT : limit
}

function readStunAddresses(value: string): string[] {
  if (value === 'disable') return []
  const addresses = list(value)
  const wrong = addresses.find(
    (candidate) => !/^(?:\[[0-9a-f:.]+\]|[^\s:/?#@]+)(?::\d{1,5})?$/i.test(candidate) || !URL.canParse(`stun://${candidate}`),
  )
  if (wrong !== undefined) throw new ConfigError(`"${wrong}" is not an address. Write host:port, for example stun.l.google.com:19302.`)
  return addresses
}
