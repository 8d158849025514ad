import { BlockList, isIP } from 'node:net'
import { ConfigError } from './config-error.ts'
import { list } from './value-readers.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** An address to listen on. */
export interface ListenAddress extends Address {
  /** The variable of the setting that names it. */
  readonly setting: string
}

export function address(value: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(value) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw new ConfigError(`"${value}" is not an address. Write host:port, for example 127.0.0.1:3000 or [::]:3000.`)
  return { host: bracketed ?? (plain === undefined || plain === '' ? '0.0.0.0' : plain), port: Number(port) }
}

export function httpUrl(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new ConfigError(`"${value}" is not a URL. Write it with http:// or https://.`)
  return value
}

/** Removes slashes from the end of a URL, so that paths can be appended. */
export function baseUrl(value: string): string {
  return httpUrl(value).replace(/\/+$/, '')
}

/** Returns a URL without a path. */
export function originUrl(value: string): string {
  const { origin, pathname, search, hash } = new URL(httpUrl(value))
  if (pathname !== '/' || search !== '' || hash !== '') throw new ConfigError(`"${value}" has a path. Write the URL without it: ${origin}`)
  return origin
}

/** Accepts a pattern with or without `http://` or `https://`. */
export function hostPattern(value: string): string {
  const pattern = value.replace(/^https?:\/\//, '')
  if (!/^[^*/:]*\*[^*/:]*\.[^*/:]+$/.test(pattern))
    throw new ConfigError(`"${value}" is not a pattern for host names. Write one star in the first part, for example *.apps.example.com.`)
  return pattern
}

export function stunAddresses(value: string): readonly string[] {
  if (value === 'disable') return []
  const addresses = list(value)
  const wrong = addresses.find(
    (candidate) => !/^(?:\[[0-9a-f:.]+\]|[^\s:/?#@]+)(?::\d{1,5})?$/i.test(candidate) || !URL.canParse(`stun://${candidate}`),
  )
  if (wrong !== undefined) throw new ConfigError(`"${wrong}" is not an address. Write host:port, for example stun.l.google.com:19302.`)
  return addresses
}

/** Returns the names in lower case. */
export function headerNames(value: string): readonly string[] {
  const names = list(value)
  const wrong = names.find((name) => !/^[a-z0-9-]+$/i.test(name))
  if (wrong !== undefined) throw new ConfigError(`"${wrong}" is not a header name. Write one like X-Forwarded-For.`)
  return names.map((name) => name.toLowerCase())
}

/** Returns undefined if the text names no network. */
export function networks(value: string): BlockList | undefined {
  const texts = list(value)
  if (texts.length === 0) return undefined
  const origins = new BlockList()
  for (const network of texts) {
    const [first = '', length] = network.split('/')
    const version = isIP(first)
    const bits = version === 6 ? 128 : 32
    if (version === 0 || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= bits)))
      throw new ConfigError(`"${network}" is not an address range. Write it like 10.0.0.0/8 or 2001:db8::/32.`)
    origins.addSubnet(first, length === undefined ? bits : Number(length), version === 6 ? 'ipv6' : 'ipv4')
  }
  return origins
}
