import { BlockList, isIP } from 'node:net'
import { ConfigError } from './config-error.ts'
import type { TrustedProxies } from '../http/client-address.ts'
import { list, setting, type ReadSetting } from './setting.ts'

export interface ProxyConfig {
  /** Undefined: a request is from whom its connection is from. */
  readonly trustedProxies: TrustedProxies | undefined
}

/** Their names and flags (Coder v2 API, v0.13.4). */
export const proxySettings = {
  proxyTrustedHeaders: setting(
    'PROXY_TRUSTED_HEADERS',
    '',
    'Headers in which trusted proxies name the address of the client, such as X-Forwarded-For.',
    headerNames,
  ),
  proxyTrustedOrigins: setting(
    'PROXY_TRUSTED_ORIGINS',
    '',
    'Addresses of proxies whose headers are believed, such as 10.0.0.0/8.',
    networks,
  ),
}

/** Throws ConfigError where one of the two is missing. */
export function readProxies(read: ReadSetting): ProxyConfig {
  const headers = read(proxySettings.proxyTrustedHeaders)
  const origins = read(proxySettings.proxyTrustedOrigins)
  if (headers.length > 0 && origins === undefined)
    throw new ConfigError('BERTH_PROXY_TRUSTED_HEADERS cannot be used: no proxy is trusted. Set BERTH_PROXY_TRUSTED_ORIGINS too.')
  if (headers.length === 0 && origins !== undefined)
    throw new ConfigError('BERTH_PROXY_TRUSTED_ORIGINS cannot be used: no header is trusted. Set BERTH_PROXY_TRUSTED_HEADERS too.')
  return { trustedProxies: origins && { headers, origins } }
}

function headerNames(value: string): string[] {
  const names = list(value)
  const wrong = names.find((name) => !/^[a-z0-9-]+$/i.test(name))
  if (wrong !== undefined) throw new ConfigError(`"${wrong}" is not the name of a header.`)
  return names.map((name) => name.toLowerCase())
}

function networks(value: string): BlockList | undefined {
  const texts = list(value)
  if (texts.length === 0) return undefined
  const origins = new BlockList()
  for (const text of texts) {
    const [address = '', length] = text.split('/')
    const version = isIP(address)
    const bits = version === 6 ? 128 : 32
    if (version === 0 || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= bits)))
      throw new ConfigError(`"${text}" is not a range of addresses. Write it as 10.0.0.0/8 or 2001:db8::/32.`)
    origins.addSubnet(address, length === undefined ? bits : Number(length), version === 6 ? 'ipv6' : 'ipv4')
  }
  return origins
}
