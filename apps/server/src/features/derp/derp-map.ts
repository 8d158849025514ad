import { DERPMap, type DERPMapRegion, type DERPNode } from '@berth/schema'
import { Value } from '@sinclair/typebox/value'

/** The settings about relays. */
export interface DerpSettings {
  readonly derpServerEnable: boolean
  readonly derpServerRegionId: number
  readonly derpServerRegionCode: string
  readonly derpServerRegionName: string
  readonly derpServerStunAddresses: readonly string[]
  readonly derpConfigUrl: string | undefined
  readonly derpConfigPath: string | undefined
}

/** Reads a map of other relays. */
export interface DerpMapSources {
  readonly fetchText: (url: string) => Promise<string>
  readonly readText: (path: string) => Promise<string>
}

/** The port of an access URL without one. */
const DEFAULT_PORT = { 'http:': 80, 'https:': 443 } as const
const DEFAULT_STUN_PORT = 3478

/**
 * Returns the relays that agents and clients are told of: those of the configured map, and the
 * deployment's own.
 */
export function completeDerpMap(configured: DERPMap, settings: DerpSettings, accessUrl: string): DERPMap {
  if (!settings.derpServerEnable) return configured
  return { ...configured, Regions: { ...configured.Regions, [String(settings.derpServerRegionId)]: ownRegion(settings, accessUrl) } }
}

/**
 * Reads the configured map of other relays, which is empty unless a setting names one.
 *
 * @throws Error with a message that names the setting.
 */
export async function readConfiguredDerpMap(settings: DerpSettings, sources: DerpMapSources): Promise<DERPMap> {
  const map = await readConfiguredMap(settings, sources)
  const { derpServerEnable, derpServerRegionId: id } = settings
  if (derpServerEnable && String(id) in map.Regions)
    throw new Error(
      `The configured DERP map has a region ${id}, which is the deployment's own. Choose another with BERTH_DERP_SERVER_REGION_ID.`,
    )
  return map
}

async function readConfiguredMap({ derpConfigUrl: url, derpConfigPath: path }: DerpSettings, sources: DerpMapSources): Promise<DERPMap> {
  if (url === undefined && path === undefined) return { Regions: {} }
  if (url !== undefined && path !== undefined)
    throw new Error('BERTH_DERP_CONFIG_URL and BERTH_DERP_CONFIG_PATH are both set. Set only one of them.')
  const source = url === undefined ? `BERTH_DERP_CONFIG_PATH, ${path ?? ''},` : `BERTH_DERP_CONFIG_URL, ${url},`
  try {
    const json: unknown = JSON.parse(url === undefined ? await sources.readText(path ?? '') : await sources.fetchText(url))
    if (Value.Check(DERPMap, json)) return json
    const [problem] = Value.Errors(DERPMap, json)
    throw new Error(`${problem?.path ?? ''}: ${problem?.message ?? 'not a DERP map'}`)
  } catch (error) {
    throw new Error(`The DERP map of ${source} cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function ownRegion(settings: DerpSettings, accessUrl: string): DERPMapRegion {
  const { derpServerRegionId: id, derpServerRegionCode: code, derpServerRegionName: name, derpServerStunAddresses } = settings
  const { hostname, port, protocol } = new URL(accessUrl)
  const isPlain = protocol === 'http:'
  const relay: DERPNode = {
    Name: `${id}b`,
    RegionID: id,
    HostName: hostname.replace(/^\[|\]$/g, ''),
    STUNPort: -1,
    DERPPort: port === '' ? DEFAULT_PORT[isPlain ? 'http:' : 'https:'] : Number(port),
    ...(isPlain && { ForceHTTP: true }),
  }
  const stun = derpServerStunAddresses.map((address, index) => stunNode(address, { id, index }))
  return { EmbeddedRelay: true, RegionID: id, RegionCode: code, RegionName: name, Nodes: [...stun, relay] }
}

function stunNode(address: string, { id, index }: { readonly id: number; readonly index: number }): DERPNode {
  const { hostname, port } = new URL(`stun://${address}`)
  return {
    Name: `${id}stun${index}`,
    RegionID: id,
    HostName: hostname.replace(/^\[|\]$/g, ''),
    STUNPort: port === '' ? DEFAULT_STUN_PORT : Number(port),
    STUNOnly: true,
  }
}
