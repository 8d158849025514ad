import type { TrustedProxies } from '../http/client-address.ts'
import { ConfigError } from './config-error.ts'
import type { SettingValues } from './setting-values.ts'

export interface ProxyConfig {
  /** Undefined: the address of a client is that of its connection. */
  readonly trustedProxies: TrustedProxies | undefined
}

/** Throws ConfigError if only one of the two settings is given. */
export function proxyConfig({ proxyTrustedHeaders: headers, proxyTrustedOrigins: origins }: SettingValues): ProxyConfig {
  if (headers.length > 0 && origins === undefined)
    throw new ConfigError('BERTH_PROXY_TRUSTED_HEADERS cannot be used: no proxy is trusted. Set BERTH_PROXY_TRUSTED_ORIGINS too.')
  if (headers.length === 0 && origins !== undefined)
    throw new ConfigError('BERTH_PROXY_TRUSTED_ORIGINS cannot be used: no header is trusted. Set BERTH_PROXY_TRUSTED_HEADERS too.')
  return { trustedProxies: origins && { headers, origins } }
}
