import { BlockList, isIP } from 'node:net'

/** Finds the IP addresses of a host. Rejects or returns an empty list if there are none. */
export type LookUp = (host: string) => Promise<readonly string[]>

const own = new BlockList()
own.addSubnet('127.0.0.0', 8, 'ipv4')
own.addAddress('0.0.0.0', 'ipv4')
own.addAddress('::1', 'ipv6')
own.addAddress('::', 'ipv6')

/**
 * Returns a sentence about who can't reach an access URL and what to do; undefined if the URL looks
 * fine. Never rejects.
 */
export async function accessUrlWarning(accessUrl: string, lookUp: LookUp): Promise<string | undefined> {
  const { origin, hostname } = new URL(accessUrl)
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  const addresses = await addressesOf(host, lookUp)
  if (addresses.length === 0)
    return `people and workspaces cannot reach the access URL ${origin} unless ${host} has an address, and it has none here; add one to DNS, or set BERTH_ACCESS_URL to a URL that they can reach`
  if (addresses.some((address) => own.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')))
    return `people and workspaces on other machines cannot reach the access URL ${origin}: it points to the machine it is used on; set BERTH_ACCESS_URL to a URL that they can reach`
  return undefined
}

async function addressesOf(host: string, lookUp: LookUp): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  if (/^(?:.+\.)?localhost$/.test(host)) return ['127.0.0.1']
  try {
    return await lookUp(host)
  } catch {
    return []
  }
}
