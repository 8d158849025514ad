import type { IncomingMessage } from 'node:http'
import { isIP, type BlockList } from 'node:net'

/** Proxies that are believed when they say whom a request is from. */
export interface TrustedProxies {
  /** In lower case; the first that names an address counts. */
  readonly headers: readonly string[]
  readonly origins: BlockList
}

/**
 * The address of the client of a request, without a port: that of the connection, or, where the connection is a trusted proxy's, the one that it
 * names (Coder v2 API, v0.13.4, "middleware order"). Of a chain the last that is no trusted proxy counts: what stands before it anybody may have
 * written.
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

function isTrusted(address: string, { origins }: TrustedProxies): boolean {
  const version = isIP(address)
  return version !== 0 && origins.check(address, version === 6 ? 'ipv6' : 'ipv4')
}

/** Some proxies write `203.0.113.9:51234` and `[2001:db8::1]:51234`. */
function withoutPort(text: string): string {
  const address = text.trim()
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(address) ?? []
  return (bracketed ?? plain ?? address).replace(/^::ffff:/i, '')
}
