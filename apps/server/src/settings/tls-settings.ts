import { ConfigError } from './config-error.ts'
import type { ListenAddress } from './network-readers.ts'
import type { SettingValues } from './setting-values.ts'

/** How the server listens for HTTPS. */
export interface TlsListenerConfig extends ListenAddress {
  /** The server shows the one that fits the host name a client asks for, or else the first. */
  readonly certificates: readonly { readonly certFile: string; readonly keyFile: string }[]
  readonly minVersion: SettingValues['tlsMinVersion']
  readonly clientAuth: SettingValues['tlsClientAuth']
  readonly clientCaFile: string | undefined
}

export interface TlsConfig {
  /** Undefined: TLS is off. */
  readonly tls: TlsListenerConfig | undefined
}

/**
 * Returns the HTTPS listener that the settings describe.
 *
 * @param override Replaces the address among the settings.
 * @throws ConfigError if the settings contradict each other.
 */
export function tlsConfig(values: SettingValues, override: ListenAddress | undefined): TlsConfig {
  if (!values.tlsEnable) return { tls: undefined }
  const listenAddress = override ?? (values.tlsAddress && { ...values.tlsAddress, setting: 'BERTH_TLS_ADDRESS' })
  if (listenAddress === undefined)
    throw new ConfigError('BERTH_TLS_ADDRESS is needed with BERTH_TLS_ENABLE: write host:port, for example 127.0.0.1:3443.')
  const { tlsClientAuth: clientAuth, tlsMinVersion: minVersion } = values
  const clientCaFile = values.tlsClientCaFile || undefined
  if (clientAuth.includes('verify') && clientCaFile === undefined)
    throw new ConfigError(
      `BERTH_TLS_CLIENT_CA_FILE is needed with BERTH_TLS_CLIENT_AUTH=${clientAuth}: name a PEM file with the authorities.`,
    )
  return { tls: { ...listenAddress, certificates: certificatesOf(values), minVersion, clientAuth, clientCaFile } }
}

function certificatesOf({ tlsCertFiles, tlsKeyFiles }: SettingValues): TlsListenerConfig['certificates'] {
  if (tlsCertFiles.length === 0)
    throw new ConfigError('BERTH_TLS_CERT_FILE is needed with BERTH_TLS_ENABLE: name a PEM file with the certificate.')
  if (tlsCertFiles.length !== tlsKeyFiles.length)
    throw new ConfigError(
      `BERTH_TLS_CERT_FILE names ${tlsCertFiles.length} and BERTH_TLS_KEY_FILE ${tlsKeyFiles.length} files. Name one key for each certificate.`,
    )
  return tlsCertFiles.map((certFile, index) => ({ certFile, keyFile: tlsKeyFiles[index] ?? '' }))
}
