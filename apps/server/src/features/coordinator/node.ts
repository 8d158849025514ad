import type { DERPMap, WorkspaceAgent } from '@berth/schema'

/**
 * How an agent or a client describes itself. The server passes it on and reads only its latency to
 * relays.
 */
export type NetworkNode = Readonly<Record<string, unknown>>

const MS_PER_SECOND = 1000

/** Reads a message. Returns undefined for anything other than a JSON object. */
export function readNode(message: Buffer): NetworkNode | undefined {
  try {
    const value: unknown = JSON.parse(message.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as NetworkNode) : undefined // any other object is a record
  } catch {
    return undefined
  }
}

/**
 * Returns a node's latency to each relay region, by the region's name; undefined when it has none.
 * The node's own keys are `<region id>-<suffix>` and its values seconds (Coder v2 API, v0.13.4). It
 * comes from inside a workspace, so nothing in it is trusted and invalid entries are left out.
 */
export function latencyOfNode(node: NetworkNode, { Regions }: DERPMap): WorkspaceAgent['latency'] {
  const { derp_latency, preferred_derp } = node
  if (typeof derp_latency !== 'object' || derp_latency === null) return undefined
  const entries = Object.entries(derp_latency).flatMap(([key, seconds]: [string, unknown]) => {
    const [id = ''] = key.split('-')
    if (!/^\d{1,9}$/.test(id) || typeof seconds !== 'number' || !Number.isFinite(seconds * MS_PER_SECOND)) return []
    const region = Number(id)
    const name = Regions[String(region)]?.RegionName ?? `Unnamed ${region}`
    return [[name, { preferred: region === preferred_derp, latency_ms: seconds * MS_PER_SECOND }] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
