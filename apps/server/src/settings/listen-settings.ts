import { ConfigError } from './config-error.ts'
import type { ListenAddress } from './network-readers.ts'
import type { SettingValues } from './setting-values.ts'
import { tlsConfig, type TlsConfig } from './tls-settings.ts'

/** Where the server listens. */
export interface ListenConfig extends TlsConfig {
  /** Undefined: the server doesn't listen for plain HTTP. */
  readonly http: ListenAddress | undefined
  /** Where the server listens for apps by path. Undefined: nowhere. */
  readonly apps: AppsListenAddress | undefined
}

export interface AppsListenAddress extends ListenAddress {
  /**
   * Whether the settings name it. A default that is taken doesn't keep the server from starting.
   */
  readonly isGiven: boolean
}

const MAX_PORT = 65_535

/** Throws ConfigError if the server would listen nowhere, or for HTTP and HTTPS on one address. */
export function listenConfig(values: SettingValues): ListenConfig {
  const plain = values.httpAddress && { ...values.httpAddress, setting: 'BERTH_HTTP_ADDRESS' }
  const override = values.address && { ...values.address, setting: 'BERTH_ADDRESS' }
  const { tls } = tlsConfig(values, override)
  const http = tls === undefined ? (override ?? plain) : plain
  if (tls === undefined && http === undefined)
    throw new ConfigError(
      'BERTH_HTTP_ADDRESS is needed while TLS is off: write host:port, for example 127.0.0.1:3000, or set BERTH_TLS_ENABLE.',
    )
  if (tls !== undefined && http !== undefined && areSame(tls, http))
    throw new ConfigError(
      `${written(http)} and ${written(tls)} cannot be used together: they have the same port. Change one, or write --http-address= to listen for HTTPS only.`,
    )
  return { http, tls, apps: appsAddress(values, { http, tls }) }
}

function appsAddress(values: SettingValues, { http, tls }: Omit<ListenConfig, 'apps'>): AppsListenAddress | undefined {
  const setting = 'BERTH_APPS_ADDRESS'
  const main = tls ?? http
  if (values.pathApps !== 'isolated' || main === undefined) return undefined
  const { appsAddress: given } = values
  const { host, port } = given ?? { host: main.host, port: main.port === 0 ? 0 : main.port + 1 }
  const apps = { setting, host, port, isGiven: given !== undefined }
  const taken = [http, tls].find((other) => other !== undefined && areSame(apps, other))
  if (taken === undefined && port <= MAX_PORT) return apps
  if (given === undefined || taken === undefined) return undefined
  throw new ConfigError(`${written(apps)} and ${written(taken)} cannot be used together: they have the same port. Change one.`)
}

function areSame(one: ListenAddress, other: ListenAddress): boolean {
  const isAny = [one, other].some(({ host }) => host === '0.0.0.0' || host === '::')
  return one.port !== 0 && one.port === other.port && (isAny || one.host === other.host)
}

function written({ setting, host, port }: ListenAddress): string {
  return `${setting} (${host.includes(':') ? `[${host}]` : host}:${port})`
}
