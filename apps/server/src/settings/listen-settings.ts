import { ConfigError } from './config-error.ts'
import { address, addressSetting, optional, setting, type ListenAddress, type ReadSetting } from './setting.ts'
import { readTls, type TlsConfig } from './tls-settings.ts'

/** Where the server listens. */
export interface ListenConfig extends TlsConfig {
  /** Undefined: not over plain HTTP, but over HTTPS alone. */
  readonly http: ListenAddress | undefined
}

/** Their names, flags and defaults (Coder v2 API, v0.13.4). */
export const listenSettings = {
  httpAddress: addressSetting(
    'HTTP_ADDRESS',
    '127.0.0.1:3000',
    'Address to listen on for plain HTTP, host:port. With TLS_ENABLE, --http-address= listens for HTTPS alone.',
  ),
  address: setting('ADDRESS', '', 'Older name of HTTP_ADDRESS, and with TLS_ENABLE of TLS_ADDRESS, which it overrides.', optional(address)),
}

/** Throws ConfigError where nothing would listen, or two would listen on one address. */
export function readListen(read: ReadSetting): ListenConfig {
  const named = read(listenSettings.httpAddress)
  const plain = named && { ...named, setting: 'BERTH_HTTP_ADDRESS' }
  const override = read(listenSettings.address)
  const older = override && { ...override, setting: 'BERTH_ADDRESS' }
  const { tls, tlsRedirectHttp } = readTls(read, older)
  const http = tls === undefined ? (older ?? plain) : plain
  if (tls === undefined && http === undefined)
    throw new ConfigError(
      'BERTH_HTTP_ADDRESS is needed while TLS is off: write host:port, for example 127.0.0.1:3000, or set BERTH_TLS_ENABLE.',
    )
  if (tls !== undefined && http !== undefined && areOne(tls, http))
    throw new ConfigError(
      `${written(http)} and ${written(tls)} cannot be used together: only one listens on a port. Change one, or write --http-address= to listen for HTTPS alone.`,
    )
  return { http, tls, tlsRedirectHttp }
}

function areOne(one: ListenAddress, other: ListenAddress): boolean {
  const isAny = [one, other].some(({ host }) => host === '0.0.0.0' || host === '::')
  return one.port !== 0 && one.port === other.port && (isAny || one.host === other.host)
}

function written({ setting: name, host, port }: ListenAddress): string {
  return `${name} (${host.includes(':') ? `[${host}]` : host}:${port})`
}
