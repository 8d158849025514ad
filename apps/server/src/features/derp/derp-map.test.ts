import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { completeDerpMap, readConfiguredDerpMap, type DerpSettings } from './derp-map.ts'

const STANDARD: DerpSettings = {
  derpServerEnable: true,
  derpServerRegionId: 999,
  derpServerRegionCode: 'coder',
  derpServerRegionName: 'Coder Embedded Relay',
  derpServerStunAddresses: ['stun.l.google.com:19302'],
  derpConfigUrl: undefined,
  derpConfigPath: undefined,
}
const OTHER = { RegionID: 1, RegionCode: 'far', RegionName: 'Far away', Nodes: [{ Name: '1a', RegionID: 1, HostName: 'derp.example.com' }] }

async function read(settings: Partial<DerpSettings>, { accessUrl = 'https://berth.example.com', text = '{}' } = {}) {
  const source = async (): Promise<string> => await Promise.resolve(text)
  const all = { ...STANDARD, ...settings }
  return completeDerpMap(await readConfiguredDerpMap(all, { fetchText: source, readText: source }), all, accessUrl)
}

test('the map of a plain deployment has its own region: a STUN server, and the relay at the access URL', async () => {
  verifies('derp:map')
  expect(await read({})).toEqual({
    Regions: {
      999: {
        EmbeddedRelay: true,
        RegionID: 999,
        RegionCode: 'coder',
        RegionName: 'Coder Embedded Relay',
        Nodes: [
          { Name: '999stun0', RegionID: 999, HostName: 'stun.l.google.com', STUNPort: 19302, STUNOnly: true },
          { Name: '999b', RegionID: 999, HostName: 'berth.example.com', STUNPort: -1, DERPPort: 443 },
        ],
      },
    },
  })
})

test.each([
  ['http://berth.example.com', { HostName: 'berth.example.com', DERPPort: 80, ForceHTTP: true }],
  ['http://127.0.0.1:3000', { HostName: '127.0.0.1', DERPPort: 3000, ForceHTTP: true }],
  ['https://[2001:db8::1]:8443', { HostName: '2001:db8::1', DERPPort: 8443 }],
])('the relay of %s is at its host and port', async (accessUrl, node) => {
  verifies('derp:map')
  const { Regions } = await read({ derpServerStunAddresses: [] }, { accessUrl })
  expect(Regions['999']?.Nodes).toEqual([{ Name: '999b', RegionID: 999, STUNPort: -1, ...node }])
})

test('region, code, name and STUN servers come from the settings; a STUN server without a port gets the standard one', async () => {
  verifies('derp:map')
  const { Regions } = await read({
    derpServerRegionId: 7,
    derpServerRegionCode: 'home',
    derpServerRegionName: 'Home',
    derpServerStunAddresses: ['a.example.com', '[2001:db8::1]:99'],
  })
  expect(Object.keys(Regions)).toEqual(['7'])
  expect(Regions['7']).toMatchObject({
    RegionID: 7,
    RegionCode: 'home',
    RegionName: 'Home',
    Nodes: [
      { Name: '7stun0', HostName: 'a.example.com', STUNPort: 3478 },
      { Name: '7stun1', HostName: '2001:db8::1', STUNPort: 99 },
      { Name: '7b' },
    ],
  })
})

test.each([{ derpConfigUrl: 'https://example.com/map.json' }, { derpConfigPath: '/etc/map.json' }])(
  'regions of a configured map come beside the own region, and alone where there is none',
  async (settings) => {
    verifies('derp:map')
    const text = JSON.stringify({ Regions: { 1: OTHER }, omitDefaultRegions: true })
    expect(await read(settings, { text })).toMatchObject({ Regions: { 1: OTHER, 999: { EmbeddedRelay: true } }, omitDefaultRegions: true })
    expect(await read({ ...settings, derpServerEnable: false }, { text })).toEqual({ Regions: { 1: OTHER }, omitDefaultRegions: true })
  },
)

test.each<readonly [fault: string, settings: Partial<DerpSettings>, text: string, message: string]>([
  ['is no JSON', { derpConfigPath: '/m' }, 'x', 'The DERP map of BERTH_DERP_CONFIG_PATH, /m, cannot be used: '],
  ['has no regions', { derpConfigUrl: 'https://m' }, '{}', 'The DERP map of BERTH_DERP_CONFIG_URL, https://m, cannot be used: /Regions: '],
  ['has the own region', { derpConfigPath: '/m', derpServerRegionId: 1 }, JSON.stringify({ Regions: { 1: OTHER } }), 'has a region 1'],
  ['is named twice', { derpConfigPath: '/m', derpConfigUrl: 'https://m' }, '{}', 'are both set'],
])('a map that %s is refused with a sentence that names the setting', async (_fault, settings, text, message) => {
  verifies('derp:map')
  await expect(read(settings, { text })).rejects.toThrow(message)
})
