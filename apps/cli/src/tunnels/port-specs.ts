import { isIP } from 'node:net'
import { UsageError } from '../failures.ts'

/** One local port, and the port of the workspace that it leads to. */
export interface Forward {
  readonly network: 'tcp' | 'udp'
  /** The local address to listen on. */
  readonly host: string
  /** 0 is any free port. */
  readonly localPort: number
  readonly remotePort: number
}

const defaultHost = '127.0.0.1'
const maxPort = 65_535
/** How many ports one command forwards at most. */
export const maxForwards = 256

/**
 * Reads what to forward: a port, a range, `local:remote` or `address:local:remote`, or several of
 * these separated by commas.
 *
 * @throws UsageError that names what is wrong.
 */
export function parseForwards(specs: { readonly tcp: readonly string[]; readonly udp: readonly string[] }): Forward[] {
  const forwards: Forward[] = []
  const taken = new Set<string>()
  for (const network of ['tcp', 'udp'] as const) {
    for (const spec of specs[network].flatMap((list) => list.split(','))) {
      for (const forward of parseSpec(spec.trim(), network)) {
        const place = `${network} ${addressOf(forward)}`
        if (forward.localPort !== 0 && taken.has(place)) throw new UsageError(`The local port ${place} is named twice.`)
        taken.add(place)
        forwards.push(forward)
        if (forwards.length > maxForwards) throw new UsageError(`At most ${maxForwards} ports can be forwarded at once.`)
      }
    }
  }
  return forwards
}

/** Writes a local address, such as `127.0.0.1:8080` or `[::1]:8080`. */
export function addressOf({ host, localPort }: Pick<Forward, 'host' | 'localPort'>): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${localPort}`
}

function parseSpec(spec: string, network: Forward['network']): Forward[] {
  const { host, ports } = splitAddress(spec)
  const [local, remote] = rangesOf(ports, spec)
  if (remote !== undefined && remote.length !== local.length) {
    throw new UsageError(`"${spec}" has ${local.length} local and ${remote.length} remote ports. Give as many of each.`)
  }
  const remotes = remote ?? local
  if (remotes.some((port) => port === 0)) throw new UsageError(`"${spec}" has the remote port 0. Remote ports are from 1 to ${maxPort}.`)
  return local.map((localPort, index) => ({ network, host, localPort, remotePort: remotes[index] ?? localPort }))
}

/** Splits off the local address, if there is one: `[::1]:8080:80`, `127.0.0.1:8080:80`. */
function splitAddress(spec: string): { host: string; ports: string } {
  const [, bracketed, name, ports = ''] = /^(?:\[([^\]]+)\]:|([^:[\]]+):(?=[^:]*:))?(.*)$/.exec(spec) ?? []
  if (bracketed !== undefined && isIP(bracketed) !== 6) throw new UsageError(`"${bracketed}" in "${spec}" isn't an IPv6 address.`)
  return { host: bracketed ?? name ?? defaultHost, ports }
}

function rangesOf(ports: string, spec: string): [local: number[], remote: number[] | undefined] {
  const [local, remote, ...more] = ports.split(':')
  if (local === undefined || more.length > 0) throw notSpec(spec)
  return [parseRange(local, spec), remote === undefined ? undefined : parseRange(remote, spec)]
}

function parseRange(text: string, spec: string): number[] {
  const [, from, to = from] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? []
  if (from === undefined) throw notSpec(spec)
  const [first, last] = [Number(from), Number(to)]
  if (first > maxPort || last > maxPort) throw new UsageError(`"${spec}" has a port above ${maxPort}.`)
  if (last < first) throw new UsageError(`"${spec}" has a range that ends before it begins.`)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function notSpec(spec: string): UsageError {
  return new UsageError(`"${spec}" isn't a port to forward. Use 8080, 8080:3000, 8000-8010 or 127.0.0.1:8080:3000.`)
}
