import type { SettingRows } from './setting-row.ts'

/** The relay for agents and clients of the Coder v2 API. */
export const relaySettings = {
  derpServerEnable: {
    path: 'derp.server.enable',
    kind: 'bool',
    default: 'true',
    label: 'DERP Server Enable',
    usage: 'Run a relay for agents and clients made for Coder.',
  },
  derpServerRegionId: {
    path: 'derp.server.region_id',
    kind: 'int',
    default: '999',
    range: [1, 2_147_483_647],
    label: 'DERP Server Region ID',
    usage: "Number of the relay's region.",
  },
  derpServerRegionCode: {
    path: 'derp.server.region_code',
    kind: 'string',
    default: 'coder',
    label: 'DERP Server Region Code',
    usage: "Short name of the relay's region.",
  },
  derpServerRegionName: {
    path: 'derp.server.region_name',
    kind: 'string',
    default: 'Coder Embedded Relay',
    label: 'DERP Server Region Name',
    usage: "Display name of the relay's region.",
  },
  derpServerStunAddresses: {
    path: 'derp.server.stun_addresses',
    kind: 'string[]',
    default: 'stun.l.google.com:19302',
    label: 'DERP Server STUN Addresses',
    usage: 'STUN servers, as host:port, that help agents and clients connect directly. disable means none.',
  },
  derpServerRelayUrl: {
    path: 'derp.server.relay_url',
    kind: 'string',
    label: 'DERP Server Relay URL',
    enterprise: true,
    unavailable: true,
    usage: 'URL at which other replicas reach the relay of this one.',
  },
  derpConfigUrl: { path: 'derp.config.url', kind: 'string', label: 'DERP Config URL', usage: 'URL of a JSON map of more relays.' },
  derpConfigPath: { path: 'derp.config.path', kind: 'string', label: 'DERP Config Path', usage: 'File with a JSON map of more relays.' },
} as const satisfies SettingRows
