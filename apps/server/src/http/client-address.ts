import type { IncomingMessage } from 'node:http'
import { isIP, type BlockList } from 'node:net'

/** Proxies that may say which client a request is from. */
export interface TrustedProxies {
  /** In lower case. The first header that names an address counts. */
  readonly headers: readonly string[]
  readonly origins: BlockList
}

/**
 * Returns the address of a request's client, without a port. It is the address of the connection
 * or, when a trusted proxy made the connection, the address that the proxy names (Coder v2 API,
 * v0.13.4, "middleware order"). In a chain of addresses, the last one that isn't a trusted proxy
 * counts, because clients can write anything in front of it.
 */
export function clientAddress(request: Pick<IncomingMessage, 'headers' | 'socket'>, proxies: TrustedProxies | undefined): string {
  const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  if (proxies === undefined || !isTrusted(peer, proxies)) return peer
  for (const header of proxies.headers) {
    const value = request.headers[header] ?? ''
    const chain = (typeof value === 'string' ? value : value.join(',')).split(',').map(withoutPort)
    const named = chain.findLast((address) => !isTrusted(address, proxies)) ?? chain[0] ?? ''
    if (isIP(named) !== 0) return named
  }
  return peer
}

/** Whether an address is that of a proxy that may say which client a request is from. */
export function isTrustedProxy(address: string, proxies: TrustedProxies | undefined): boolean {
  return proxies !== undefined && isTrusted(address, proxies)
}

function isTrusted(address: string, { origins }: TrustedProxies): boolean {
  const version = isIP(address)
  return version !== 0 && origins.check(address, version === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Removes the port from `203.0.113.9:51234` and `[2001:db8::1]:51234`, which some proxies write.
 */
function withoutPort(text: string): string {
  const address = text.trim()
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(address) ?? []
  return (bracketed ?? plain ?? address).replace(/^::ffff:/i, '')
}
