import { BlockList, isIP } from 'node:net'

/** Finds the addresses of a host. Rejects, or finds none, where it has none. */
export type LookUp = (host: string) => Promise<readonly string[]>

const own = new BlockList()
own.addSubnet('127.0.0.0', 8, 'ipv4')
own.addAddress('0.0.0.0', 'ipv4')
own.addAddress('::1', 'ipv6')
own.addAddress('::', 'ipv6')

/** Says who cannot reach an access URL, and what to do; undefined: nothing speaks against it. Never rejects. */
export async function accessUrlWarning(accessUrl: string, lookUp: LookUp): Promise<string | undefined> {
  const { origin, hostname } = new URL(accessUrl)
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  const addresses = await addressesOf(host, lookUp)
  if (addresses.length === 0)
    return `people and workspaces cannot reach the access URL ${origin} where ${host} has no address, and here it has none; give it one in DNS, or set BERTH_ACCESS_URL to a URL that they reach`
  if (addresses.some((address) => own.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')))
    return `people and workspaces on other machines cannot reach the access URL ${origin}: it leads back to the machine that it is used on; set BERTH_ACCESS_URL to a URL that they reach`
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
