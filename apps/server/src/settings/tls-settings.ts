import { parseBool } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'
import { addressSetting, list, oneOf, setting, text, type ListenAddress, type ReadSetting } from './setting.ts'

/** Whether a client has to show a certificate, and whether it is checked (Coder v2 API, v0.13.4). */
export const TLS_CLIENT_AUTH = ['none', 'request', 'require-any', 'verify-if-given', 'require-and-verify'] as const
const TLS_VERSIONS = ['tls10', 'tls11', 'tls12', 'tls13'] as const

/** How the server is reached over TLS. */
export interface TlsListenerConfig extends ListenAddress {
  /** Each with its key; the one that fits the name a client asks for is shown, the first otherwise. */
  readonly certificates: readonly { readonly certFile: string; readonly keyFile: string }[]
  readonly minVersion: (typeof TLS_VERSIONS)[number]
  readonly clientAuth: (typeof TLS_CLIENT_AUTH)[number]
  readonly clientCaFile: string | undefined
}

export interface TlsConfig {
  /** Undefined: TLS is off. */
  readonly tls: TlsListenerConfig | undefined
  /** Send people who come over plain HTTP to the access URL. */
  readonly tlsRedirectHttp: boolean
}

/** Their names, flags and defaults (Coder v2 API, v0.13.4). */
export const tlsSettings = {
  tlsEnable: setting('TLS_ENABLE', 'false', 'Listen for HTTPS too.', parseBool),
  tlsAddress: addressSetting('TLS_ADDRESS', '127.0.0.1:3443', 'Address to listen on for HTTPS, host:port.'),
  tlsRedirectHttp: setting(
    'TLS_REDIRECT_HTTP',
    'true',
    'Send people who come over HTTP to the access URL, where that is HTTPS.',
    parseBool,
    'tls-redirect-http-to-https',
  ),
  tlsCertFiles: setting('TLS_CERT_FILE', '', 'PEM files of certificates, each with its chain.', list),
  tlsKeyFiles: setting('TLS_KEY_FILE', '', 'PEM files of the keys of the certificates, in the same order.', list),
  tlsClientAuth: setting('TLS_CLIENT_AUTH', 'request', `What is asked of clients: ${TLS_CLIENT_AUTH.join(', ')}.`, oneOf(TLS_CLIENT_AUTH)),
  tlsClientCaFile: setting('TLS_CLIENT_CA_FILE', '', 'PEM file of the authorities that sign certificates of clients.', text),
  tlsMinVersion: setting('TLS_MIN_VERSION', 'tls12', `Oldest version that is spoken: ${TLS_VERSIONS.join(', ')}.`, oneOf(TLS_VERSIONS)),
}

/**
 * Puts the settings of TLS together.
 *
 * @param override Where to listen instead of at the address among them; undefined: there.
 * @throws ConfigError where they do not go together.
 */
export function readTls(read: ReadSetting, override: ListenAddress | undefined): TlsConfig {
  const tlsRedirectHttp = read(tlsSettings.tlsRedirectHttp)
  // Wrong ones are refused also while TLS is off, so that turning it on brings no surprise.
  const [named, clientAuth, minVersion] = [read(tlsSettings.tlsAddress), read(tlsSettings.tlsClientAuth), read(tlsSettings.tlsMinVersion)]
  if (!read(tlsSettings.tlsEnable)) return { tls: undefined, tlsRedirectHttp }
  const listenAddress = override ?? (named && { ...named, setting: 'BERTH_TLS_ADDRESS' })
  if (listenAddress === undefined)
    throw new ConfigError('BERTH_TLS_ADDRESS is needed with BERTH_TLS_ENABLE: write host:port, for example 127.0.0.1:3443.')
  const [certFiles, keyFiles] = [read(tlsSettings.tlsCertFiles), read(tlsSettings.tlsKeyFiles)]
  if (certFiles.length === 0)
    throw new ConfigError('BERTH_TLS_CERT_FILE is needed with BERTH_TLS_ENABLE: name a PEM file with the certificate.')
  if (certFiles.length !== keyFiles.length)
    throw new ConfigError(
      `BERTH_TLS_CERT_FILE names ${certFiles.length} and BERTH_TLS_KEY_FILE ${keyFiles.length} files. Name one key for each certificate.`,
    )
  const clientCaFile = read(tlsSettings.tlsClientCaFile) || undefined
  if (clientAuth.includes('verify') && clientCaFile === undefined)
    throw new ConfigError(
      `BERTH_TLS_CLIENT_CA_FILE is needed with BERTH_TLS_CLIENT_AUTH=${clientAuth}: name a PEM file with the authorities.`,
    )
  return {
    tls: {
      ...listenAddress,
      certificates: certFiles.map((certFile, index) => ({ certFile, keyFile: keyFiles[index] ?? '' })),
      minVersion,
      clientAuth,
      clientCaFile,
    },
    tlsRedirectHttp,
  }
}
