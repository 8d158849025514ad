import { parseBool } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'

/** Whether a client has to show a certificate, and whether it is checked (Coder v2 API, v0.13.4). */
export const TLS_CLIENT_AUTH = ['none', 'request', 'require-any', 'verify-if-given', 'require-and-verify'] as const
const TLS_VERSIONS = ['tls10', 'tls11', 'tls12', 'tls13'] as const

/** How the server is reached over TLS. */
export interface TlsListenerConfig {
  readonly host: string
  readonly port: number
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

/** A setting, in the form in which the other settings are kept. */
interface Row<Value> {
  readonly name: string
  readonly flag: string
  readonly default: string
  readonly usage: string
  readonly read: (text: string) => Value
}

/** Reads host:port, as the settings of the other listener do. */
type ReadAddress = (text: string) => { host: string; port: number }

/** Their names, flags and defaults (Coder v2 API, v0.13.4). */
export function tlsSettings(readAddress: ReadAddress) {
  return {
    tlsEnable: row('TLS_ENABLE', 'false', 'Listen for HTTPS too.', parseBool),
    tlsAddress: row('TLS_ADDRESS', '127.0.0.1:3443', 'Address to listen on for HTTPS, host:port.', readAddress),
    tlsRedirectHttp: {
      ...row('TLS_REDIRECT_HTTP', 'true', 'Send people who come over HTTP to the access URL, where that is HTTPS.', parseBool),
      flag: 'tls-redirect-http-to-https',
    },
    tlsCertFiles: row('TLS_CERT_FILE', '', 'PEM files of certificates, each with its chain.', list),
    tlsKeyFiles: row('TLS_KEY_FILE', '', 'PEM files of the keys of the certificates, in the same order.', list),
    tlsClientAuth: row('TLS_CLIENT_AUTH', 'request', `What is asked of clients: ${TLS_CLIENT_AUTH.join(', ')}.`, oneOf(TLS_CLIENT_AUTH)),
    tlsClientCaFile: row('TLS_CLIENT_CA_FILE', '', 'PEM file of the authorities that sign certificates of clients.', text),
    tlsMinVersion: row('TLS_MIN_VERSION', 'tls12', `Oldest version that is spoken: ${TLS_VERSIONS.join(', ')}.`, oneOf(TLS_VERSIONS)),
  }
}

/** Throws ConfigError where the settings do not go together. */
export function readTls(read: <Value>(from: Row<Value>) => Value, settings: ReturnType<typeof tlsSettings>): TlsConfig {
  const tlsRedirectHttp = read(settings.tlsRedirectHttp)
  // Wrong ones are refused also while TLS is off, so that turning it on brings no surprise.
  const [address, clientAuth, minVersion] = [read(settings.tlsAddress), read(settings.tlsClientAuth), read(settings.tlsMinVersion)]
  if (!read(settings.tlsEnable)) return { tls: undefined, tlsRedirectHttp }
  const [certFiles, keyFiles] = [read(settings.tlsCertFiles), read(settings.tlsKeyFiles)]
  if (certFiles.length === 0)
    throw new ConfigError('BERTH_TLS_CERT_FILE is needed with BERTH_TLS_ENABLE: name a PEM file with the certificate.')
  if (certFiles.length !== keyFiles.length)
    throw new ConfigError(
      `BERTH_TLS_CERT_FILE names ${certFiles.length} and BERTH_TLS_KEY_FILE ${keyFiles.length} files. Name one key for each certificate.`,
    )
  const clientCaFile = read(settings.tlsClientCaFile) || undefined
  if (clientAuth.includes('verify') && clientCaFile === undefined)
    throw new ConfigError(
      `BERTH_TLS_CLIENT_CA_FILE is needed with BERTH_TLS_CLIENT_AUTH=${clientAuth}: name a PEM file with the authorities.`,
    )
  return {
    tls: {
      ...address,
      certificates: certFiles.map((certFile, index) => ({ certFile, keyFile: keyFiles[index] ?? '' })),
      minVersion,
      clientAuth,
      clientCaFile,
    },
    tlsRedirectHttp,
  }
}

function row<Value>(name: string, standard: string, usage: string, read: (text: string) => Value): Row<Value> {
  return { name, flag: name.toLowerCase().replaceAll('_', '-'), default: standard, usage, read }
}

function text(value: string): string {
  return value
}

function list(value: string): string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '')
}

function oneOf<const Words extends readonly string[]>(words: Words): (value: string) => Words[number] {
  return (value) => {
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) throw new ConfigError(`"${value}" is none of ${words.join(', ')}.`)
    return word
  }
}
