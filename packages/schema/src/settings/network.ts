import type { SettingRows } from './setting-row.ts'

/** Where the server listens and whom it answers. */
export const networkSettings = {
  accessUrl: {
    path: 'access_url',
    kind: 'string',
    label: 'Access URL',
    usage: 'URL at which people and workspaces reach the server. Default: the address that it listens on.',
  },
  wildcardAccessUrl: {
    path: 'wildcard_access_url',
    kind: 'string',
    label: 'Wildcard Access URL',
    usage: 'Pattern for the host names of apps, with one star, for example *.apps.example.com.',
  },
  appsAddress: {
    path: 'apps_address',
    kind: 'string',
    usage:
      'Address at which the server listens for apps by path, as host:port. Default: the address that it listens on, with the next port. If that port is taken, apps by path open in no browser.',
  },
  appsAccessUrl: {
    path: 'apps_access_url',
    kind: 'string',
    usage:
      'URL at which browsers reach apps by path. It must have a host or a port that the access URL does not have, and no path. Default: the access URL with the port of the apps address, if the access URL has the port that the server listens on.',
  },
  pathApps: {
    path: 'path_apps',
    kind: 'string',
    default: 'isolated',
    choices: ['isolated', 'same-origin', 'off'],
    usage:
      "How apps by path open in a browser. With isolated they have an origin of their own. With same-origin they share that of the server: a script of an app can then do whatever its visitor may do. With off they don't open.",
  },
  address: {
    path: 'address',
    kind: 'string',
    shorthand: 'a',
    label: 'Address',
    hidden: true,
    usage: 'Deprecated: set http_address or tls.address. It overrides tls.address when TLS is on, and http_address otherwise.',
  },
  httpAddress: {
    path: 'http_address',
    kind: 'string',
    default: '127.0.0.1:3000',
    canBeEmpty: true,
    label: 'Address',
    usage: 'Address to listen on for HTTP, as host:port. With TLS on, --http-address= turns plain HTTP off.',
  },
  relayUrl: {
    path: 'relay_url',
    kind: 'string',
    usage:
      'URL at which other replicas of the deployment reach this one, to connect to agents that it holds. It has no path. Each replica has its own. Default: the address that the server listens on, unless that is every address of the machine.',
  },
  proxyTrustedHeaders: {
    path: 'proxy_trusted_headers',
    kind: 'string[]',
    label: 'Proxy Trusted Headers',
    usage:
      'Headers in which trusted proxies name the address of the client, for example X-Forwarded-For, or the host of an app, which is X-Forwarded-Host.',
  },
  proxyTrustedOrigins: {
    path: 'proxy_trusted_origins',
    kind: 'string[]',
    label: 'Proxy Trusted Origins',
    usage: 'Addresses of trusted proxies, for example 10.0.0.0/8.',
  },
  apiRateLimit: {
    path: 'api_rate_limit',
    kind: 'int',
    default: '512',
    label: 'API Rate Limit',
    usage: 'Requests per minute that one caller may send to one path. 0 means the default, a negative number no limit.',
  },
  tlsEnable: { path: 'tls.enable', kind: 'bool', default: 'false', label: 'TLS Enable', usage: 'Listen for HTTPS too.' },
  tlsAddress: {
    path: 'tls.address',
    kind: 'string',
    default: '127.0.0.1:3443',
    canBeEmpty: true,
    label: 'TLS Address',
    usage: 'Address to listen on for HTTPS, as host:port.',
  },
  tlsRedirectHttp: {
    path: 'tls.redirect_http',
    flag: 'tls-redirect-http-to-https',
    kind: 'bool',
    default: 'true',
    label: 'Redirect HTTP to HTTPS',
    usage: 'Redirect plain HTTP requests to the access URL if that is HTTPS.',
  },
  tlsCertFiles: {
    path: 'tls.cert_file',
    kind: 'string[]',
    label: 'TLS Certificate Files',
    usage: 'PEM files with certificates, each with its chain.',
  },
  tlsClientAuth: {
    path: 'tls.client_auth',
    kind: 'string',
    default: 'request',
    choices: ['none', 'request', 'require-any', 'verify-if-given', 'require-and-verify'],
    label: 'TLS Client Auth',
    usage: 'Whether clients show a certificate, and whether the server verifies it.',
  },
  tlsClientCaFile: {
    path: 'tls.client_ca_file',
    kind: 'string',
    label: 'TLS Client CA Files',
    usage: 'PEM file with the authorities that sign client certificates.',
  },
  tlsKeyFiles: {
    path: 'tls.key_file',
    kind: 'string[]',
    label: 'TLS Key Files',
    usage: 'PEM files with keys, one for each certificate and in the same order.',
  },
  tlsMinVersion: {
    path: 'tls.min_version',
    kind: 'string',
    default: 'tls12',
    choices: ['tls10', 'tls11', 'tls12', 'tls13'],
    label: 'TLS Minimum Version',
    usage: 'Oldest TLS version that the server accepts.',
  },
  tlsClientCertFile: {
    path: 'tls.client_cert_file',
    kind: 'string',
    label: 'TLS Client Cert File',
    unavailable: true,
    usage: 'PEM file with the certificate that the server shows to other servers.',
  },
  tlsClientKeyFile: {
    path: 'tls.client_key_file',
    kind: 'string',
    label: 'TLS Client Key File',
    unavailable: true,
    usage: 'PEM file with the key of the certificate that the server shows to other servers.',
  },
} as const satisfies SettingRows
