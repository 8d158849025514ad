import { settings, type Setting, type SettingKey, type SettingRowAt } from '@berth/schema'
import { parseBool } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'
import { readGiven, type GivenSettings } from './given-settings.ts'
import { address, baseUrl, headerNames, hostPattern, httpUrl, networks, originUrl, stunAddresses } from './network-readers.ts'
import { anyOf, duration, list, oneOf, optional, retention, text, wholeNumber, type Reader } from './value-readers.ts'

const SECRET_KEY_BYTES = 32
const MAX_RATE_LIMIT = 1_000_000

type KindOf<Key extends SettingKey> = SettingRowAt<Key>['kind']

/**
 * Settings that Berth has. Git providers have several texts, which `git-auth-settings.ts` reads.
 */
type ServedKey = { [Key in SettingKey]: SettingRowAt<Key> extends { unavailable: true } | { kind: 'gitauth[]' } ? never : Key }[SettingKey]

/** How to read a setting whose row says no more than its kind. */
export const kindReaders = {
  string: text,
  bool: parseBool,
  int: wholeNumber(),
  duration,
  'string[]': list,
  'gitauth[]': () => [],
} satisfies Record<Setting['kind'], Reader<unknown>>

/** How to read a setting whose row says too little about its text. */
const readers = {
  accessUrl: optional(baseUrl),
  wildcardAccessUrl: optional(hostPattern),
  appsAddress: optional(address),
  appsAccessUrl: optional(originUrl),
  relayUrl: optional(originUrl),
  address: optional(address),
  httpAddress: optional(address),
  tlsAddress: optional(address),
  proxyTrustedHeaders: headerNames,
  proxyTrustedOrigins: networks,
  apiRateLimit: rateLimit,
  dataDirectory: optional(text),
  cacheDirectory: optional(text),
  pgConnectionUrl: optional(postgresUrl),
  secretKeys: optional(secretKeyList),
  jobLogRetentionMs: retention,
  agentStatsRetentionMs: retention,
  auditLogRetentionMs: retention,
  githubAllowedTeams: teams,
  githubEnterpriseBaseUrl: optional(httpUrl),
  oidcIssuerUrl: optional(httpUrl),
  kubeconfig: optional(text),
  agentDirectory: optional(text),
  agentInactiveDisconnectTimeoutMs: optional(duration),
  awsCertificatesPath: optional(text),
  azureCertificatesPath: optional(text),
  googleKeysUrl: httpUrl,
  derpServerStunAddresses: stunAddresses,
  derpConfigUrl: optional(baseUrl),
  derpConfigPath: optional(text),
  updateCheckUrl: optional(baseUrl),
} satisfies { readonly [Key in ServedKey]?: Reader<unknown> }

type ValueOf<Key extends ServedKey> = Key extends keyof typeof readers
  ? ReturnType<(typeof readers)[Key]>
  : SettingRowAt<Key> extends { choices: readonly (infer Choice)[] }
    ? KindOf<Key> extends 'string[]'
      ? readonly Choice[]
      : Choice
    : ReturnType<(typeof kindReaders)[KindOf<Key>]>

/** The value of every setting that Berth has. Its type follows from its row and its reader. */
export type SettingValues = { readonly [Key in ServedKey]: ValueOf<Key> }

/**
 * Reads the settings one by one.
 *
 * @throws ConfigError with one line that names where a setting was given.
 */
export function readSettingValues(given: GivenSettings): SettingValues {
  const served = Object.values(settings).filter(({ unavailable, kind }) => !unavailable && kind !== 'gitauth[]')
  const entries = served.map((setting) => [setting.key, readGiven(setting, given, readerOf(setting))])
  return Object.fromEntries(entries) as SettingValues // each from the reader that its type is derived from
}

function readerOf({ key, kind, choices, range }: Setting): Reader<unknown> {
  const own: Readonly<Partial<Record<SettingKey, Reader<unknown>>>> = readers
  if (choices !== undefined) return kind === 'string[]' ? anyOf(choices) : oneOf(choices)
  return own[key] ?? (range === undefined ? kindReaders[kind] : wholeNumber(range))
}

/** Returns the default for 0. */
function rateLimit(value: string): number {
  const limit = wholeNumber([-MAX_RATE_LIMIT, MAX_RATE_LIMIT])(value)
  return limit === 0 ? Number(settings.apiRateLimit.default) : limit
}

/** Doesn't show the text, which holds a password. */
function postgresUrl(value: string): string {
  if (!/^postgres(?:ql)?:\/\//.test(value) || !URL.canParse(value.replace('@/', '@localhost/')))
    throw new ConfigError(
      'it is not a PostgreSQL URL. Write it as postgres://user:password@host:5432/database, with special characters percent-encoded.',
    )
  return value
}

/** Doesn't show the text, which is secret. */
function secretKeyList(value: string): readonly Buffer[] {
  const keys = value.split(',').map((key) => Buffer.from(key.trim(), 'base64'))
  if (keys.some((key) => key.length !== SECRET_KEY_BYTES))
    throw new ConfigError(
      `a key has ${SECRET_KEY_BYTES} bytes, written in base64. Create one with: openssl rand -base64 ${SECRET_KEY_BYTES}`,
    )
  return keys
}

function teams(value: string): readonly string[] {
  const named = list(value)
  const wrong = named.find((team) => !/^[^/]+\/[^/]+$/.test(team))
  if (wrong !== undefined) throw new ConfigError(`"${wrong}" is not a team. Write organization/team.`)
  return named
}
